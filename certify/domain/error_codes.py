"""The stable error codes of problem details, of quarantine files, and of the output of commands.

Clients branch on codes, so they are never renamed, only added. docs/errors.md is generated from this list.
"""

from __future__ import annotations

from certify.domain.described import Described


class ErrorCode(Described):
    """The code of an error. Its sentence has no details; the error itself carries a sentence that has them."""

    ACCESS_REFUSED = "access_refused", "A link or code opens nothing: wrong, used, expired, or another person's."
    AGENT_EXISTS = "agent_exists", "There is an agent with this badge already."
    AGENT_FULL = "agent_full", "The agent has no free visit on this day."
    AGENT_INVALID = "agent_invalid", "A detail of an agent is not possible: badge, name, area, capacity or base."
    AGENT_NOT_ACTIVE = "agent_not_active", "The agent is away or suspended."
    AGENT_NOT_FOUND = "agent_not_found", "There is no such agent."
    AGENT_PHOTO = "agent_photo", "The photo of an agent is not a JPEG, or is too large."
    AGENT_SUSPENDED = "agent_suspended", "The agent is suspended."
    AGENT_UNKNOWN = "agent_unknown", "The code at the door belongs to no agent of the fund."
    ALGORITHM_NOT_POSSIBLE = "algorithm_not_possible", "This kind of key signs with Ed25519 only."
    ANOTHER_IN_PROGRESS = "another_in_progress", "Another photo or video of this person is being evaluated."
    ASSUMPTIONS_INVALID = "assumptions_invalid", "The assumptions of the simulation are not valid."
    ATTEMPTS_USED_UP = "attempts_used_up", "Several attempts did not succeed, so that photos are not accepted for now."
    ATTESTATION_INVALID = "attestation_invalid", "A detail of the attestation is not possible."
    AUDIT_NOT_FOUND = "audit_not_found", "This certification was not drawn for an audit."
    AUDIT_RECORDED = "audit_recorded", "The result of this check is recorded already."
    BAD_REQUEST = "bad_request", "The request is not understood, or lacks something that every such request needs."
    BAD_SIGNATURE = "bad_signature", "The signature does not fit the content: altered or forged."
    BENEFICIARY_DIFFERS = "beneficiary_differs", "This person is enrolled already, with other details."
    BENEFICIARY_EXISTS = "beneficiary_exists", "A person with this national id or card number is enrolled already."
    BENEFICIARY_NOT_FOUND = "beneficiary_not_found", "No person with this id is enrolled."
    BIRTH_DATE_INVALID = "birth_date_invalid", "The date of birth is not possible."
    BODY_TOO_SLOW = "body_too_slow", "The body of the request came too slowly."
    BUNDLE_DAMAGED = "bundle_damaged", "The bundle was damaged on its way."
    BUNDLE_MALFORMED = "bundle_malformed", "The upload is not a sealed visit."
    BUNDLE_NOT_FOUND = "bundle_not_found", "There is no sealed visit with this id."
    BUNDLE_OUT_OF_PLACE = "bundle_out_of_place", "The sealed visit names a place far beyond its tablet's last one."
    BUNDLE_UNREADABLE = "bundle_unreadable", "The bundle cannot be decrypted."
    BUNDLE_UNSIGNED = "bundle_unsigned", "The bundle is not signed by its tablet."
    CARD_NUMBER_INVALID = "card_number_invalid", "The card number is not valid."
    CARD_NUMBER_NUMBER = (
        "card_number_number",
        "The card number was turned into a decimal number; format the column as text.",
    )
    CASE_OF_ANOTHER_KIND = "case_of_another_kind", "This answer does not fit the kind of the case."
    CAUSE_STANDS = "cause_stands", "The cause of the case still stands, so it cannot be closed with 'no_change'."
    CERTIFICATE_ERROR = "certificate_error", "The certificate cannot be accepted."
    CERTIFICATE_NOT_FOUND = "certificate_not_found", "There is no such certificate."
    CERTIFICATE_NOT_IN_FORCE = "certificate_not_in_force", "The certificate is not in force any more."
    CHUNK_BEYOND_END = "chunk_beyond_end", "This chunk goes beyond the size that was declared."
    CHUNK_DAMAGED = "chunk_damaged", "This chunk was damaged on its way."
    CHUNK_TOO_LARGE = "chunk_too_large", "A chunk of an upload is larger than allowed."
    CHUNK_TOO_SMALL = "chunk_too_small", "A chunk of an upload, other than the last, is smaller than allowed."
    CODE_UNREADABLE = "code_unreadable", "The picture shows a QR code that cannot be read."
    COLUMN_MISSING = "column_missing", "A required column is missing in the file."
    COLUMN_TWICE = "column_twice", "The file has a column more than once."
    COLUMN_TYPE = "column_type", "A column of the Parquet file has a type that cannot be read as text, number or date."
    COLUMN_UNKNOWN = "column_unknown", "The file has columns that are not known."
    CONFLICT = "conflict", "The thing is in a state that does not allow this."
    CONSENT_WITHDRAWN = "consent_withdrawn", "The person withdrew the consent to face recognition."
    CONTACT_INVALID = "contact_invalid", "A contact detail is not valid."
    CONTRADICTION = "contradiction", "The row contradicts the stored data of this person."
    CURRENCY_INVALID = "currency_invalid", "The currency is not three capital letters, or is missing beside an amount."
    DATABASE_UNAVAILABLE = "database_unavailable", "The database does not answer."
    DECRYPTION_FAILED = "decryption_failed", "Stored data could not be decrypted."
    DEMO_FOLDER = "demo_folder", "The demo does not empty a folder that it did not make."
    DEMO_MISSING = "demo_missing", "The demo is not part of this installation."
    DEMO_RUNNING = "demo_running", "Another demo uses the folder."
    DETERMINATION_NOT_FOUND = "determination_not_found", "There is no such determination."
    DEVELOPMENT_ONLY = "development_only", "The development issuer does not run in production."
    DEVICE_KEY = "device_key", "The key is not a valid device key of a tablet."
    DISK_FULL = "disk_full", "A disk of the service is full."
    DUPLICATE_ROW = "duplicate_row", "The row repeats an earlier row of the file."
    EMBEDDED_DATABASE = "embedded_database", "The embedded PostgreSQL did not start."
    EMPTY_BODY = "empty_body", "The request has nothing in its body."
    ENCODING_LENGTH = "encoding_length", "The template of a face does not have 128 values."
    ENCODING_MISSING = "encoding_missing", "The row has no template of a face."
    ENCODING_NETWORK = "encoding_network", "Another network than the one that is imported made the template."
    ENCODING_NORM = "encoding_norm", "The length of the template is not one that the network gives."
    ENCODING_NOT_FINITE = "encoding_not_finite", "The template has a value that is no finite number."
    ENCODING_PICKLED = "encoding_pickled", "The template is pickled, so that reading it would run a program."
    ENCODING_TRUNCATED = "encoding_truncated", "The template was shortened when it was written; its values are lost."
    ENCODING_TWICE = "encoding_twice", "The same template is given for two people."
    ENCODING_UNREADABLE = "encoding_unreadable", "The template cannot be read in one way only."
    ENDS_ON_INVALID = (
        "ends_on_invalid",
        "The last day of the award is not a date, or lies before the first day of the pension.",
    )
    ENGINE = "engine", "There is no linking engine of this name."
    ENTITLEMENT_MISSING = "entitlement_missing", "A beneficiary needs at least one entitlement."
    ERROR = "error", "An error without a more precise code."
    EVENT_IN_FUTURE = "event_in_future", "The event lies in the future."
    EVIDENCE_EXISTS = "evidence_exists", "This session has evidence already."
    EVIDENCE_MISSING = "evidence_missing", "Evidence of this determination is missing."
    FEEDS_DIR = "feeds_dir", "CERTIFY_FEEDS_DIR names no folder that exists."
    FEED_AMBIGUOUS = "feed_ambiguous", "A record of a feed has a described column more than once."
    FEED_BUSY = "feed_busy", "Another import or run of this feed is going on."
    FEED_COLUMNS = "feed_columns", "The columns of a feed's file are not those that its description names."
    FEED_DESCRIPTION = "feed_description", "The description of a feed is not valid."
    FEED_FILE = "feed_file", "The data of a feed is missing, cannot be read, or is not what the description says."
    FILE = "file", "The file cannot be read as a table."
    FILE_ENCODING = "file_encoding", "The encoding of the file is not known."
    FILE_FORMAT = "file_format", "The file is not a table that can be read."
    FILE_NOT_FOUND = "file_not_found", "There is no such file."
    FILE_UNREADABLE = "file_unreadable", "The file cannot be read."
    FILE_UNWRITABLE = "file_unwritable", "The file cannot be written."
    FINDING_INVALID = (
        "finding_invalid",
        "The finding is not one that the policy of the pension knows, or a day of it is wrong.",
    )
    FONT_MISSING = "font_missing", "No font on this machine can print a letter in this language."
    FORBIDDEN = "forbidden", "The caller is known but may not do this."
    FRAME_ORDER = "frame_order", "Frames must come in the order in which they were taken."
    FRAME_SIZE_CHANGED = "frame_size_changed", "The frames change their size."
    FRAME_UNUSABLE = "frame_unusable", "A frame of a live capture cannot be used."
    GONE = "gone", "It existed, but was erased or its time ran out."
    HOLD_DECIDED = "hold_decided", "This hold was decided already."
    HOLD_NOT_FOUND = "hold_not_found", "There is no such hold."
    HOME_INVALID = "home_invalid", "A home is not valid: place or coordinates."
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", "An Idempotency-Key came again with another request."
    ID_FORMAT = "id_format", "The name of a national id format is not known."
    IMPORT_MISSING = "import_missing", "The import that a determination belongs to is missing."
    INTERNAL_ERROR = "internal_error", "Something went wrong on the side of the service."
    INVALID = "invalid", "The input breaks a rule."
    ISSUERS_FILE = "issuers_file", "The file of token issuers cannot be used."
    ISSUER_UNREACHABLE = "issuer_unreachable", "The token's issuer does not answer, and its keys are not known."
    KEYS_CONTENDED = "keys_contended", "Another process changed the keys at the same time, several times."
    KEY_FILE = "key_file", "The file of public keys cannot be used."
    KEY_NOT_IN_USE = "key_not_in_use", "The key of the certificate was not in use when the certificate was issued."
    KEY_UNKNOWN = "key_unknown", "The bundle was sealed to a key that is not ours."
    LANGUAGE = "language", "There are no letters in this language."
    LAST_PROOF_BY_OFFICER = "last_proof_by_officer", "Only an officer may state an earlier proof of life."
    LAST_PROOF_INVALID = "last_proof_invalid", "The last proof of life lies in the future."
    LAST_PROOF_ON_INVALID = "last_proof_on_invalid", "The last proof of life is not a date, or lies in the future."
    LAYOUT = "layout", "A layout for linking is not valid, or the layouts of the two sides do not fit together."
    LEDGER_EMPTY = "ledger_empty", "The ledger has no entry yet, so there is no checkpoint."
    LEDGER_ENTRY_NOT_FOUND = "ledger_entry_not_found", "The ledger has no such entry."
    LEDGER_FORKED = "ledger_forked", "The ledger does not continue the last signed checkpoint, so it is not signed."
    LEDGER_RANGE = "ledger_range", "The ledger does not have this size, or no such entry at this size."
    LETTER_UNTRUE = "letter_untrue", "A record about this person is in doubt, so that the letter would not be true."
    LIVE_FULL = "live_full", "Too many live captures run at this moment."
    LIVE_IDLE = "live_idle", "No picture came for some time."
    LIVE_MESSAGE = "live_message", "This message is not understood."
    LIVE_NO_FACE = "live_no_face", "No face was seen for some time."
    LIVE_NO_HELLO = "live_no_hello", "The first message did not come, or is not a hello with token and nonce."
    LIVE_OFF = "live_off", "Live guidance is not available."
    LIVE_TOO_LONG = "live_too_long", "The recording became too large."
    LIVE_TOO_SHORT = "live_too_short", "Nothing was recorded."
    MALFORMED = "malformed", "The input looks like a certificate, but its content does not follow the format."
    MAPPING = "mapping", "The mapping of columns for the linkage evaluation is not valid."
    MASTER_KEY_DAMAGED = "master_key_damaged", "The master key file is damaged."
    MASTER_KEY_EXISTS = "master_key_exists", "The file exists already, and a master key is never overwritten."
    MASTER_KEY_IN_USE = "master_key_in_use", "The key given is the master key in use already."
    MASTER_KEY_IN_DATA = "master_key_in_data", "The master key would lie in the data folder."
    MASTER_KEY_MISSING = (
        "master_key_missing",
        "The master key is missing: this database was written with one, or the service runs in production.",
    )
    MEDIA_DELETED = "media_deleted", "The media were deleted when their retention time ended."
    MESSAGES_UNNAMED = "messages_unnamed", "The command names no messages; give their ids, or --all."
    MONTHLY_AMOUNT_INVALID = "monthly_amount_invalid", "The amount is not one such as 1250.00, or its days do not rise."
    NAME_INVALID = "name_invalid", "The name is missing, too long, or has characters that cannot be shown."
    NAME_MISSING = "name_missing", "The name is empty."
    NATIONAL_ID_INVALID = "national_id_invalid", "The national id is not valid."
    NATIONAL_ID_MISSING = "national_id_missing", "The national id is empty."
    NATIONAL_ID_NUMBER = (
        "national_id_number",
        "The national id was turned into a decimal number; format the column as text.",
    )
    NEEDS_INVALID = "needs_invalid", "'needs' has words such as low_vision, separated by semicolons."
    NOTHING_DUE = "nothing_due", "This person has no pension that a proof of life is due for."
    NOTHING_TO_FIND = "nothing_to_find", "No record of this kind stands about the person."
    NOTHING_TO_LOOK_UP = "nothing_to_look_up", "The request has neither national id nor card number."
    NOT_ADMISSIBLE = "not_admissible", "A visit cannot be admitted in this state or after this refusal."
    NOT_A_CERTIFICATE = (
        "not_a_certificate",
        "The input is not a certificate of this service, or no QR code could be read in it.",
    )
    NOT_CERTIFIED = "not_certified", "This person is not certified at present."
    NOT_FOUND = "not_found", "The thing named does not exist, or the caller may not know that it does."
    NOT_STARTED = "not_started", "The HTTP service did not start."
    NOTE_UNKNOWN = "note_unknown", "The checkpoint was not signed by this ledger."
    NOT_STORABLE = "not_storable", "A value cannot be stored."
    NO_CODE = "no_code", "The picture shows no QR code."
    NO_CONTACT = "no_contact", "The fund knows no telephone and no e-mail of this person."
    NOT_YOUR_PROPOSAL = "not_your_proposal", "Another officer made this proposal; it can be refused, but not recalled."
    NO_PLAN = "no_plan", "This session has no plan."
    NO_REFERENCE = "no_reference", "There is no enrolled photo of this person to compare with."
    NO_VISIT = "no_visit", "The session does not lead to a visit."
    OFFICER_TOKEN = "officer_token", "The file holds no valid token of an officer."
    OTHER_CODE = "other_code", "The picture shows a code of another kind than that of a certificate."
    OUTSIDE_SCOPE = "outside_scope", "What is named lies outside the schemes and regions of the caller's token."
    PAIRS_FILE = "pairs_file", "The file of labelled pairs is not valid."
    PARAMETERS_MISSING = "parameters_missing", "The fitted parameters of a stored verdict are missing."
    PAYEE_INVALID = "payee_invalid", "The payee is neither guardian nor institution."
    PERSON_ERASED = "person_erased", "The data of this person was erased."
    PERSON_MISSING = "person_missing", "The row does not say which person it is about."
    PICTURE_UNREADABLE = "picture_unreadable", "The picture is of a kind that is not read, too large or damaged."
    PLACE_INVALID = "place_invalid", "The place of a stop in the day's route is not a possible number."
    PLANNED_ON_INVALID = "planned_on_invalid", "'planned_on' is not a date, is past, or is more than a year away."
    POLICY_MISSING = "policy_missing", "The policy of this determination is missing."
    POLICY_UNKNOWN = "policy_unknown", "There is no such scheme or policy file."
    POSSESSION_REQUIRED = (
        "possession_required",
        "The change needs a code that goes to the person's known telephone or e-mail, or the link of a letter.",
    )
    PORT_UNAVAILABLE = "port_unavailable", "The service cannot listen on this address and port."
    PROPOSAL_NOT_FOUND = "proposal_not_found", "There is no such proposal."
    PROPOSAL_OPEN = (
        "proposal_open",
        "The same action is proposed already and waits for a second officer, or for its time.",
    )
    PROPOSAL_SETTLED = "proposal_settled", "The proposal was carried out, refused, recalled or has expired."
    PROVENANCE_NOT_ACCEPTED = "provenance_not_accepted", "A reference of this origin is accepted from an officer only."
    QUARANTINE_PATH = "quarantine_path", "The quarantine file cannot be written, or is a file of another kind."
    QUESTION_ANSWERED = "question_answered", "The link question is settled already."
    QUESTION_NOT_FOUND = "question_not_found", "There is no such link question."
    REASON_MISSING = "reason_missing", "The reason has no text, or too long a text."
    RECEIPT_ITEM_NOT_FOUND = "receipt_item_not_found", "There is no such record on this person's receipts."
    RECHECK_SAME_AGENT = "recheck_same_agent", "The second visit must be made by another agent than the first."
    RECORD_CHANGED = "record_changed", "This record number was used before, for something else."
    RECORD_ID_INVALID = "record_id_invalid", "The record number has characters that are not allowed, or more than 60."
    RECORD_KIND_MISSING = "record_kind_missing", "A record must be exactly one of adverse, sign of life, void."
    RECORD_KIND_UNKNOWN = "record_kind_unknown", "No policy knows this kind of record."
    REFERENCE_EXISTS = "reference_exists", "The person has a reference already, and only an officer may add another."
    REFERENCE_NOT_FOUND = "reference_not_found", "There is no such reference."
    REFERENCE_NOT_REPLACEABLE = (
        "reference_not_replaceable",
        "The photo was not refused for showing another face, so it replaces nothing.",
    )
    REFERENCE_PENDING = "reference_pending", "The enrolled photo has not been measured yet."
    REGION_INVALID = "region_invalid", "The region is too long or cannot be shown."
    RELATION_INVALID = "relation_invalid", "The relation is none of spouse, child, parent and other."
    REQUEST_INVALID = "request_invalid", "Some fields of the request are wrong; 'errors' names them."
    REQUEST_IN_PROGRESS = "request_in_progress", "The first request with this key has no answer yet."
    RESIDENCE_INVALID = "residence_invalid", "The residence is no country of two capitals."
    REVIEW_CASE_CLOSED = "review_case_closed", "This case is closed already, or has a ruling."
    REVIEW_CASE_NOT_FOUND = "review_case_not_found", "There is no such review case."
    REVIEW_ON_INVALID = "review_on_invalid", "The day of the next review is neither a date nor 'never'."
    REVISION = "revision", "The database has no such schema revision."
    ROWS_NOT_SEALED = "rows_not_sealed", "An earlier release wrote the rows of this database; seal them once."
    ROWS_SEALED = "rows_sealed", "The rows of this database are sealed already; sealing again could hide a change."
    ROW_ALTERED = "row_altered", "A stored record was changed outside the service; nothing is answered from it."
    ROW_UNREADABLE = "row_unreadable", "The row cannot be read."
    QUARANTINE_FILE = "quarantine_file", "The file for quarantined rows exists and is no quarantine file."
    RUN_ELSEWHERE = "run_elsewhere", "The working files of this run are not on this machine."
    RUN_ENDED = "run_ended", "The run has ended; its working files are gone."
    RUN_FILE = "run_file", "The file is not the one that this run was made from."
    RUN_HELD = "run_held", "The file of this run is held; an officer must look at it first."
    RUN_NOT_FOUND = "run_not_found", "There is no such run."
    RUN_NOT_HELD = "run_not_held", "The file of this run is not held for an officer."
    RUN_OVERTAKEN = "run_overtaken", "A newer full file of this feed was applied since."
    RUN_REFUSED = "run_refused", "An officer refused the file of this run."
    SAMPLES_FILE = "samples_file", "The file of labelled samples is not valid."
    SCHEMA_OLD = "schema_old", "The database schema is not current."
    SCHEME_MISSING = "scheme_missing", "The scheme is empty."
    SECOND_OFFICER_NEEDED = (
        "second_officer_needed",
        "The officer proposed this, opened the case or enrolled the person; another officer has to decide.",
    )
    SECOND_RESIDENCE_INVALID = (
        "second_residence_invalid",
        "The second residence is not a country of two capital letters.",
    )
    SENDERS_MISSING = "senders_missing", "There is no way to send messages."
    SENDERS_UNUSABLE = "senders_unusable", "The senders file cannot be used."
    SESSION_ALREADY_SUBMITTED = "session_already_submitted", "This session has its photo or video already."
    SESSION_EXPIRED = "session_expired", "The time of this session has run out."
    SESSION_NOT_FOUND = "session_not_found", "There is no such session."
    SETTINGS_INVALID = "settings_invalid", "The value of a setting is not valid."
    SETTING_UNKNOWN = "setting_unknown", "An environment variable begins with CERTIFY_ and is not a setting."
    SEVERAL_CERTIFICATES = "several_certificates", "The input holds several certificates; check one at a time."
    SEX_INVALID = "sex_invalid", "'sex' is neither M nor F."
    SIGN_IN_ENDED = "sign_in_ended", "The film has opened the page once, and that sign-in has ended."
    SIGN_IN_NOT_FOUND = "sign_in_not_found", "There is no such sign-in."
    SOURCES_FILE = "sources_file", "The registry of sources cannot be used."
    SOURCE_INVALID = (
        "source_invalid",
        "The source has other characters than small letters, digits, '_', '.' and '-', or is too long.",
    )
    SOURCE_LIMITS = "source_limits", "The source may not report this act or kind of record."
    SOURCE_MISSING = "source_missing", "The row does not say which source it comes from."
    SOURCE_NOT_YOURS = "source_not_yours", "The caller does not speak for this source."
    SOURCE_RESERVED = "source_reserved", "This source name is the service's own."
    SOURCE_UNKNOWN = "source_unknown", "The registry of sources does not name this source."
    STARTS_ON_INVALID = "starts_on_invalid", "The first day of the pension is not a date."
    STARTS_ON_MISSING = "starts_on_missing", "The first day of the pension is empty."
    TABLET_NOT_FOUND = "tablet_not_found", "There is no such tablet."
    TABLET_REFUSED = "tablet_refused", "The tablet or agent is not known, or is locked out."
    TABLE_NAME = "table_name", "This text is not allowed as the name of a table."
    TAKEN_ON_INVALID = "taken_on_invalid", "The day of the picture is no date, or not possible."
    TAKEN_ON_MISSING = "taken_on_missing", "The row does not say when the picture was taken."
    TARGET_INVALID = "target_invalid", "The target of the action is not an id."
    TIME_INVALID = "time_invalid", "The time is not valid or has no time zone."
    TOKEN_REFUSED = "token_refused", "The bearer token is missing, wrong, expired, or not valid for this request."
    TOO_LARGE = "too_large", "More bytes than the service accepts."
    TOO_MANY_BYTES = "too_many_bytes", "The body or the file is larger than allowed."
    TOO_MANY_MASTER_KEYS = "too_many_master_keys", "Too many moves to a new master key were begun and not ended."
    TOO_MANY_REFERENCES = (
        "too_many_references",
        "The person has the largest allowed number of reference images already.",
    )
    TOO_MANY_REQUESTS = "too_many_requests", "The caller is faster than the rate limit allows."
    TOO_MANY_SESSIONS = "too_many_sessions", "There were too many attempts for this person today."
    TOO_MANY_TABLETS = "too_many_tablets", "This agent has the largest allowed number of tablets already."
    TRUTH = "truth", "The evaluation has no truth to compare with."
    UNAVAILABLE = "unavailable", "A part that the service needs is missing or broken."
    UNKNOWN_KEY = "unknown_key", "No trusted key carries the key id of the certificate."
    UNKNOWN_SCHEME = "unknown_scheme", "The scheme is not known."
    UNSUPPORTED_VERSION = (
        "unsupported_version",
        "The certificate is genuine, but of a newer format than this program knows.",
    )
    UPLOADS_BUSY = "uploads_busy", "Too many photos and videos are arriving at this moment."
    UPLOAD_DAMAGED = "upload_damaged", "What arrived is not what was declared."
    UPLOAD_NOT_FOUND = "upload_not_found", "No upload was begun in this session."
    VIDEO_TOO_MANY_BYTES = "video_too_many_bytes", "The video is larger than allowed."
    VISIT_DAY = "visit_day", "A visit on this day is not possible: it is too soon or too far away."
    VISIT_INCOMPLETE = "visit_incomplete", "A part of the sealed visit is missing or cannot be used."
    VISIT_NOT_FOUND = "visit_not_found", "There is no such visit, or the person asked for none."
    VISIT_OVER = "visit_over", "The visit is over."
    VOIDED_RECORD_NOT_FOUND = (
        "voided_record_not_found",
        "The record to take back is not known from this source for this person.",
    )
    WORKDAYS = "workdays", "The days of the week cannot be read."
    WRONG_NONCE = "wrong_nonce", "The nonce is not that of this session."
    WRONG_OFFSET = "wrong_offset", "A chunk does not begin where the upload ends; 'offset' says where to continue."
