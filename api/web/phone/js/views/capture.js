/** @import { Guidance, LiveEnd } from "../capture/live.js" */
/** @import { Page } from "../pages.js" */
import { Problem } from "../api.js";
import { CameraError, describe, openCamera, stopCamera } from "../capture/camera.js";
import { Commander, commandsOf } from "../capture/command.js";
import { runLive } from "../capture/live.js";
import { canRecord, record } from "../capture/record.js";
import { buzz, hush } from "../capture/speak.js";
import { backText, Stage } from "../capture/stage.js";
import { store } from "../capture/vault.js";
import { Witness } from "../capture/witness.js";
import { keep } from "../device.js";
import { button, h } from "../dom.js";
import { number, t } from "../i18n.js";
import { go, problemPage } from "../pages.js";
import { state } from "../state.js";
import { openSession } from "./prepare.js";

/**
 * Film the person: live with guidance if the network allows it, else as a recording that is sent afterwards.
 *
 * @param {object} options
 * @param {Service.SessionOpened} options.opened the session that it is for
 * @param {boolean} [options.warn] announce the colours on the screen first
 * @param {"user" | "environment"} [options.facing] which camera; without it the rear one if another person helps and
 *   the screen shows no colours
 * @returns {Promise<Page>}
 */
export async function capture({ opened, warn = false, facing }) {
  if (warn) return warning(opened);
  // The colours of the screen must fall on the person, so the camera beside the screen films.
  const lights = (opened.session.plan?.flashes.length ?? 0) > 0;
  const side = facing ?? (state.helper && !lights ? "environment" : "user");
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await openCamera(side);
  } catch (error) {
    if (!(error instanceof CameraError)) throw error;
    return trouble(error.trouble, opened);
  }
  const control = new AbortController();
  const shot = new Shot(opened, stream, side, control);
  const away = () => document.hidden && go("prepare", {}, { replace: true });
  document.addEventListener("visibilitychange", away);
  window.addEventListener("pagehide", () => stopCamera(stream), { once: true });
  void shot.run();
  return {
    title: t("capture.title"),
    body: [shot.stage.element],
    leave: () => {
      document.removeEventListener("visibilitychange", away);
      control.abort();
      stopCamera(stream);
      hush();
    },
  };
}

/** One capture from beginning to end, on the stage. */
class Shot {
  /**
   * @param {Service.SessionOpened} opened
   * @param {MediaStream} stream of the camera
   * @param {"user" | "environment"} side which camera it is
   * @param {AbortController} control aborted when the person leaves
   */
  constructor(opened, stream, side, control) {
    this.opened = opened;
    this.stream = stream;
    this.control = control;
    this.plan = /** @type {Service.PlanOut} */ (opened.session.plan);
    this.commander = new Commander(stream);
    this.attempt = 0;
    this.count = this.plan.steps.length;
    // In a live capture the service tells the colours only when they come next.
    this.flashes = /** @type {Service.FlashOut[]} */ ([]);
    this.commands = /** @type {Service.CommandOut[]} */ ([]);
    this.startMs = /** @type {number | null} */ (null);
    this.stage = new Stage({
      mirror: side === "user",
      helper: state.helper,
      stop: () => go("prepare", {}, { replace: true }),
      turn:
        state.helper && !this.plan.flashes.length
          ? () => go("capture", { opened, facing: side === "user" ? "environment" : "user" }, { replace: true })
          : null,
    });
    this.stage.video.srcObject = stream;
    this.witness = new Witness(stream, this.stage.video, control.signal);
  }

  /** Film, and go to the page that is next. */
  async run() {
    try {
      await this.stage.video.play().catch(() => {});
      this.stage.say(t("capture.connecting"));
      /** @type {LiveEnd} */
      const end = "WebSocket" in window && navigator.onLine ? await this.live() : { kind: "record", why: "lost" };
      if (this.control.signal.aborted || end.kind === "left") return;
      if (end.kind === "problem") throw new Problem(end.problem.status, end.problem);
      if (end.kind === "record") return await this.film(end.why);
      stopCamera(this.stream);
      const { session } = end;
      const { token } = this.opened;
      buzz(60);
      await go("send", { arrived: { id: session.id, token } }, { replace: true });
    } catch (error) {
      if (!this.control.signal.aborted) this.fail(error);
    }
  }

  /** Show what went wrong in place of the stage. @param {unknown} error */
  fail(error) {
    const page = problemPage(error, () => go("prepare", {}, { replace: true }));
    stopCamera(this.stream);
    this.stage.element.replaceWith(
      h("section", {}, h("h1", { tabindex: "-1" }, page.title), .../** @type {Node[]} */ (page.body)),
    );
  }

  /** Film with guidance. @returns {Promise<LiveEnd>} */
  async live() {
    // The phone's own clock times the colours: hints of the service come too late and too seldom for that.
    const clock = setInterval(() => this.startMs !== null && this.colour(performance.now() - this.startMs), 40);
    return await runLive({
      opened: this.opened,
      stream: this.stream,
      video: this.stage.video,
      witness: this.witness,
      signal: this.control.signal,
      on: (message) => {
        if (message.type === "ready") this.count = message.prompts;
        if (message.type === "guidance") this.guide(message);
      },
    }).finally(() => clearInterval(clock));
  }

  /** Show what the service says of the newest frame. @param {Guidance} hint */
  guide(hint) {
    if (hint.phase === "placing") {
      if (this.startMs !== null) {
        this.attempt += 1;
        this.startMs = null;
        this.commander.at(null, []);
      }
      this.stage.element.dataset.phase = "placing";
      this.stage.show(null);
      this.stage.flash(null);
      this.stage.progress(0);
      const first = hint.say[0];
      const again = this.attempt ? t("capture.again") : "";
      return this.stage.say(
        first ? t(`guide.${first}`) : t("capture.placing"),
        again || (first ? "" : t("capture.recording")),
      );
    }
    this.startMs = hint.start_ms;
    this.flashes = hint.flashes;
    this.commands = hint.commands;
    this.stage.element.dataset.phase = "recording";
    this.stage.progress(hint.progress);
    const seen = hint.answered.filter(Boolean).length;
    if (seen > (this.seen ?? 0)) buzz(60);
    this.seen = seen;
    if (hint.prompt === null || hint.asked === null) return this.rest();
    return this.prompt(hint.asked, hint.prompt, hint.back, hint.back ? hint.answered[hint.prompt] : hint.reached);
  }

  /** Show that nothing is asked at this moment. */
  rest() {
    this.stage.show(null);
    this.stage.say(t(this.stage.wash.hidden ? "capture.recording" : "capture.colours"));
  }

  /**
   * Show a prompt: the movement, which is held, or the way back.
   *
   * @param {string} name of the prompt
   * @param {number} index of the prompt in the plan
   * @param {boolean} back whether the person is asked back
   * @param {boolean} seen whether what is asked now was seen
   */
  prompt(name, index, back, seen) {
    if (back) {
      this.stage.show(seen ? null : name === "come_closer" ? "hold_back" : "come_back");
      return this.stage.say(t(backText(name)), seen ? t("capture.saw") : "", { buzz: true });
    }
    const step = { step: number(index + 1), count: number(this.count) };
    this.stage.show(seen ? null : name);
    return this.stage.say(t(`prompt.${name}`), seen ? t("capture.stay") : t("capture.hold", step), { buzz: true });
  }

  /** Show the colour of this moment. @param {number} ms since the first frame */
  colour(ms) {
    const now = this.flashes.find((each) => ms >= each.from_ms && ms < each.to_ms);
    this.stage.flash(now ? now.colour : null);
    this.commander.at(ms, this.commands);
  }

  /** Record without guidance, to be sent afterwards. @param {"slow" | "lost" | "off"} why there is no guidance */
  async film(why) {
    if (!canRecord()) return await go("file", { opened: this.opened }, { replace: true });
    const note = t(why === "lost" ? "capture.lost" : "capture.slow");
    this.stage.flash(null);
    this.stage.show(null);
    this.stage.progress(0);
    this.stage.element.dataset.phase = "placing";
    for (let left = 4; left > 0; left -= 1) {
      this.stage.say(left === 4 ? note : t("capture.placing"), t("capture.countdown", { seconds: number(left) }));
      await new Promise((done) => setTimeout(done, left === 4 ? 2500 : 1000));
      if (this.control.signal.aborted) return undefined;
    }
    this.count = this.plan.steps.length;
    this.flashes = this.plan.flashes;
    this.commands = this.plan.commands ?? [];
    let begun = /** @type {number | null} */ (null);
    const film = await record({
      stream: this.stream,
      plan: this.plan,
      slow: why !== "off",
      signal: this.control.signal,
      at: (ms) => {
        begun ??= performance.now() - ms;
        this.stage.element.dataset.phase = "recording";
        this.stage.progress(ms / this.plan.total_ms);
        const index = this.plan.steps.findIndex((step) => ms >= step.from_ms && ms < step.to_ms);
        if (index < 0) this.rest();
        else {
          const { prompt, back_ms: back } = this.plan.steps[index];
          this.prompt(prompt, index, back !== null && back !== undefined && ms >= back, false);
        }
        this.colour(ms);
      },
    });
    if (!film) return undefined;
    const said = { ...this.witness.atFirst(), ...this.witness.later(), motion: this.witness.from(begun ?? 0) };
    const camera = { ...describe(this.stream), can: commandsOf(this.stream), ...said };
    stopCamera(this.stream);
    await store({
      sessionId: this.opened.session.id,
      token: this.opened.token,
      blob: film,
      type: film.type,
      camera,
      at: Date.now(),
      expiresAt: this.opened.session.expires_at,
    });
    return await go("send", { id: this.opened.session.id }, { replace: true });
  }
}

/** Announce the colours on the screen, which can be refused. @param {Service.SessionOpened} opened @returns {Page} */
function warning(opened) {
  const flashes = opened.session.plan?.flashes ?? [];
  const seconds = Math.ceil((flashes[flashes.length - 1].to_ms - flashes[0].from_ms) / 1000);
  return {
    title: t("flash.title"),
    body: [
      h("p", { class: "note" }, t("flash.text", { count: number(flashes.length), seconds: number(seconds) })),
      state.helper ? h("p", { class: "note" }, t("flash.helper")) : null,
      button(t("flash.go"), () => go("capture", { opened }, { replace: true }), { kind: "main" }),
      button(t("flash.no"), async () => {
        state.noFlash = true;
        keep("noflash", "1");
        await go("capture", { opened: await openSession() }, { replace: true });
      }),
    ],
  };
}

/**
 * @param {import("../capture/camera.js").CameraTrouble} what
 * @param {Service.SessionOpened} opened
 * @returns {Page}
 */
function trouble(what, opened) {
  return {
    title: t("camera.title"),
    body: [
      h("p", { class: "note", role: "alert" }, t(`camera.${what}`)),
      button(t("app.again"), () => go("capture", { opened }, { replace: true }), { kind: "main" }),
      button(t("prepare.file"), () => go("file", { opened }, { replace: true })),
      button(t("status.visit.ask"), () => go("visit"), { icon: "door" }),
      button(t("app.home"), () => go("welcome"), { kind: "plain" }),
    ],
  };
}
