// Written by `make docs` from the interface of the service.
declare namespace Service {
  interface AcceptedOut {
    accepted?: true;
  }
  type Action = "stop" | "confirm_alive" | "no_change" | "revoke" | "erase" | "replace_reference" | "admit_visit" | "two_people" | "condition_met" | "part_payable" | "record_changes_nothing" | "wrong_reference";
  interface AgentOut {
    id: string;
    badge: string;
    name: string;
  }
  interface AppealOut {
    opened_at: string;
    answer_by: string;
    closed_at: string | null;
    resolution: string | null;
  }
  interface CertificateOut {
    number: string;
    state: "valid" | "paused" | "superseded" | "revoked" | "expired";
    reason: string | null;
    valid_from: string;
    valid_until: string;
    issued_at: string;
    key_id: string;
    text: string;
    content: Record<string, any>;
  }
  interface ChainOut {
    seq: number;
    sha256: string;
  }
  interface ChallengeOut {
    options: Record<string, any>;
  }
  interface CommandOut {
    kind: "exposure" | "zoom";
    from_ms: number;
    to_ms: number;
  }
  interface ConsentOut {
    given: boolean;
  }
  interface ContactChangeOut {
    phone: string | null;
    email: string | null;
    at: string;
  }
  interface ContactOut {
    phone: string | null;
    email: string | null;
    language: string | null;
    reminders: boolean;
    quiet_from: number;
    quiet_to: number;
    change: ContactChangeOut | null;
  }
  interface DayOut {
    agent: AgentOut;
    fund: string;
    anchor: string;
    key: Record<string, string>;
    head: ChainOut;
    stops: StopOut[];
    base: PlaceOut | null;
    day_codes: Record<string, string>;
    retention_days: number;
  }
  interface DeathReportOut {
    first: string;
    last: string;
  }
  interface DoorOut {
    fund: string;
    name: string;
    badge: string;
    photo: string | null;
    today: boolean;
    planned_on: string | null;
    initials: string | null;
  }
  interface EnrolmentOut {
    tablet_id: string;
    agent: AgentOut;
    fund: string;
    options: Record<string, any>;
  }
  interface FlashOut {
    colour: string;
    from_ms: number;
    to_ms: number;
  }
  interface GuidanceOut {
    code: string;
    text: string;
  }
  interface HistoryOut {
    attempts: OwnAttemptOut[];
    certificates: OwnCertificateOut[];
  }
  interface NewSession {
    id: string;
    beneficiary_id: string | null;
    channel: string;
    state: "open" | "submitted" | "decided" | "expired";
    created_at: string;
    expires_at: string;
    submitted_at: string | null;
    decided_at: string | null;
    outcome: "certified" | "retry" | "review" | "other_path" | "doorstep" | null;
    attempts_left?: number | null;
    guidance: GuidanceOut[];
    certificate_number: string | null;
    determinations: string[];
    profile: "standard" | "gentle" | "light" | "doorstep" | null;
    plan: PlanOut | null;
    assisted: boolean;
    nonce: string;
  }
  interface NonceOut {
    nonce: string;
  }
  interface NotMeOut {
    evidence_id: string;
    noted_at: string;
  }
  interface OwnAttemptOut {
    decided_at: string;
    channel: "remote" | "doorstep";
    outcome: string;
    assisted: boolean;
  }
  interface OwnCertificateOut {
    number: string;
    state: "valid" | "paused" | "superseded" | "revoked" | "expired";
    valid_from: string;
    valid_until: string;
  }
  interface OwnErasureOut {
    state: ProposalState;
    asked_at: string;
    due_at: string | null;
  }
  interface OwnPageOut {
    name: string | null;
    headline: "stopped" | "paused" | "overdue" | "grace" | "due" | "renew" | "certified" | "unknown";
    pensions: PensionOut[];
    valid_until: string | null;
    due_on: string | null;
    certificate: string | null;
    can_film: boolean;
    reference_on: string | null;
    consent: boolean | null;
    visit: VisitOut | null;
    appeal: AppealOut | null;
    contact_change: string | null;
    erasure: OwnErasureOut | null;
    erasure_wait_hours: number;
    death_report: DeathReportOut | null;
    earliest_visit: string;
    latest_visit: string;
  }
  interface PensionOut {
    scheme: string;
    title: string;
    standing: string | null;
    payment: "continue" | "stop";
    next_step: string | null;
    valid_until: string | null;
    due_on: string | null;
    back_pay_from: string | null;
    entitled_until: string | null;
    review_on: string | null;
    part: string | null;
  }
  interface PlaceOut {
    latitude: number;
    longitude: number;
  }
  interface PlanOut {
    profile: "standard" | "gentle" | "light" | "doorstep";
    steps: StepOut[];
    flashes: FlashOut[];
    total_ms: number;
    approach?: number | null;
    commands?: CommandOut[];
  }
  interface ProposalOut {
    id: string;
    action: Action;
    target: string;
    beneficiary_id: string | null;
    reason: string;
    text: string | null;
    state: ProposalState;
    proposed_by: string;
    proposed_at: string;
    expires_at: string;
    decided_by: string | null;
    decided_at: string | null;
    due_at: string | null;
    ended_by: string | null;
    ended_at: string | null;
  }
  type ProposalState = "proposed" | "waiting" | "carried_out" | "refused" | "recalled" | "expired";
  interface ReceiptItemOut {
    evidence_id: string;
    source: string;
    act: string;
    on: string;
    weight: number;
    body_present: boolean;
    justification: string;
    denied: boolean;
    place: string | null;
  }
  interface ReceiptList {
    items: ReceiptOut[];
  }
  interface ReceiptOut {
    determination_id: string;
    scheme: string;
    proven_on: string;
    valid_until: string;
    decided_at: string;
    needed_weight: number;
    items: ReceiptItemOut[];
  }
  interface SessionOpened {
    session: NewSession;
    token: string;
  }
  interface SessionOut {
    id: string;
    beneficiary_id: string | null;
    channel: string;
    state: "open" | "submitted" | "decided" | "expired";
    created_at: string;
    expires_at: string;
    submitted_at: string | null;
    decided_at: string | null;
    outcome: "certified" | "retry" | "review" | "other_path" | "doorstep" | null;
    attempts_left?: number | null;
    guidance: GuidanceOut[];
    certificate_number: string | null;
    determinations: string[];
    profile: "standard" | "gentle" | "light" | "doorstep" | null;
    plan: PlanOut | null;
    assisted: boolean;
  }
  interface SignInList {
    items: SignInOut[];
  }
  interface SignInOut {
    id: string;
    way: "face" | "code" | "link";
    created_at: string;
    expires_at: string;
    this: boolean;
  }
  interface SignInsEnded {
    ended: number;
  }
  interface SignedIn {
    until: string;
  }
  interface StepOut {
    prompt: "turn_left" | "turn_right" | "look_up" | "come_closer" | "smile" | "open_mouth" | "blink";
    from_ms: number;
    back_ms?: number | null;
    to_ms: number;
  }
  interface StopOut {
    visit_id: string;
    person_id: string;
    planned_on: string;
    place: number | null;
    part: "morning" | "afternoon" | null;
    wanted_on: string | null;
    reason: string;
    tries: number;
    name: string;
    card_masked: string | null;
    national_id_masked: string;
    birth_year: number | null;
    needs: string[];
    address: string;
    directions: string;
    latitude: number | null;
    longitude: number | null;
    numbers: string[];
    door: string;
    door_code: string;
  }
  interface TabletIn {
    tablet_id: string;
  }
  interface TabletSignedIn {
    until: string;
    agent: AgentOut;
    fund: string;
  }
  interface TakenOut {
    told: ToldOut;
    anchor: string;
  }
  interface ToldList {
    items: ToldOut[];
    waiting: number;
    missing: number[];
    anchor: string;
  }
  interface ToldOut {
    sha256: string;
    visit_id: string;
    seq: number;
    state: "received" | "opened" | "refused";
    reason: string | null;
    result: string | null;
    outcome: string | null;
    guidance: string[];
  }
  interface UploadOut {
    session_id: string;
    state: "open" | "submitted" | "decided" | "expired";
    offset: number;
    size: number;
    complete: boolean;
    min_chunk: number;
    max_chunk: number;
    expires_at: string;
  }
  interface VisitOut {
    wanted_on: string;
    part: "morning" | "afternoon";
    asked_at: string;
  }
}
