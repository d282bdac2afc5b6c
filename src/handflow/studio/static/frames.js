// Frames of the camera on their way to the server: the newest one, and never more than two on the way.

const WIDEST = 640;
const TALLEST = 480;
const GIVEN_UP = 3000; // ms after which an answer is not waited for any longer
const NOT_SHOWN = 150; // ms without a picture on the screen after which the page counts as covered
const NO_MORE = 500; // ms after which a camera that gives no more pictures is let go all the same

/** Sends pictures of a video element while it runs.
 *
 * Browsers stop showing video in a page that nobody sees. Gestures shall work all the same, so where the browser
 * offers it, pictures then come from the camera's track itself.
 */
export class Frames {
  #run = 0; // number of the run under way, 0: none; what belongs to one that was stopped is let go
  #runs = 0;
  #encoder = null; // stays when a run ends: pictures that it still holds must be closed
  #encoding = null; // time of the frame that is being encoded, ms
  #unanswered = []; // times of frames on their way, ms
  #last = 0; // time of the frame that was sent last
  #copy = null; // of the camera's track, which is read
  #shown = 0; // pictures that the video element has shown
  #shownAt = 0;

  constructor(video, send, measured) {
    this.video = video;
    this.send = send; // takes bytes; false where they could not be sent
    this.measured = measured;
  }

  start() {
    if (this.#run) return;
    this.#run = ++this.#runs;
    this.#encoding = null;
    if (!this.#encoder) {
      this.#encoder = new Worker("/static/encoder.js");
      this.#encoder.addEventListener("message", ({ data }) => data.run === this.#run && this.#encoded(data.bytes));
    }
    this.#next(this.#run);
    if ("MediaStreamTrackProcessor" in window) this.#readTrack(this.#run);
  }

  stop() {
    if (!this.#run) return;
    this.#run = 0;
    this.#unanswered = [];
    const copy = this.#copy;
    setTimeout(() => copy?.stop(), NO_MORE);
  }

  /** The server has answered the frame of that time, in ms; what was sent before it is not answered any more. */
  answered(time) {
    this.#unanswered = this.#unanswered.filter((one) => one > time + 0.01);
  }

  #next(run) {
    onPicture(this.video, this.#shown, (now, about) => {
      if (this.#run !== run) return;
      const since = performance.now() - this.#shownAt;
      this.measured.picture(now, since < NOT_SHOWN ? Math.max(1, about.presentedFrames - this.#shown) : 1);
      this.#shown = about.presentedFrames;
      this.#shownAt += since;
      this.#take(this.video, this.video.videoWidth, this.video.videoHeight, about.captureTime ?? now, now);
      this.#next(run);
    });
  }

  /** Reads the track all along, and takes its pictures while none is shown.
   *
   * A track that is stopped while a picture is asked for leaves it to the garbage collector, which complains: so a
   * copy is read that is stopped when the last one asked for has come.
   */
  async #readTrack(run) {
    const track = this.#copy = this.video.srcObject.getVideoTracks()[0].clone();
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
    while (this.#run === run) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      const now = performance.now();
      if (this.#run === run && now - this.#shownAt > NOT_SHOWN) {
        this.measured.picture(now);
        this.#take(frame, frame.displayWidth, frame.displayHeight, now, now);
      }
      frame.close();
    }
    await reader.cancel();
    track.stop();
  }

  /** Has a picture encoded, unless too many are under way. */
  async #take(source, fullWidth, fullHeight, time, now) {
    this.#unanswered = this.#unanswered.filter((one) => now - one < GIVEN_UP);
    // One may be under way while the next is sent, so that the server need not wait for pictures.
    if (!fullWidth || this.#encoding !== null || this.#unanswered.length > 1) return;
    this.#encoding = Math.max(this.#last + 0.1, time);
    const scale = Math.min(1, WIDEST / fullWidth, TALLEST / fullHeight);
    const [width, height] = [Math.round(fullWidth * scale), Math.round(fullHeight * scale)];
    this.measured.size = [width, height];
    const run = this.#run;
    let picture = null;
    try {
      picture = "VideoFrame" in window
        ? new VideoFrame(source, { timestamp: Math.round(1000 * time) }) : await createImageBitmap(source);
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error; // the camera took the picture back: the next one will do
    }
    if (this.#run !== run) picture?.close();
    else if (!picture) this.#encoding = null;
    else this.#encoder.postMessage({ picture, width, height, time: this.#encoding, run }, [picture]);
  }

  #encoded(bytes) {
    const time = this.#encoding;
    this.#encoding = null;
    if (!bytes || !this.send(bytes)) return;
    this.#last = time;
    this.#unanswered.push(time);
    this.measured.sent += 1;
  }
}

/** Calls back when the video element shows its next picture. */
function onPicture(video, shown, told) {
  if ("requestVideoFrameCallback" in video) {
    video.requestVideoFrameCallback(told);
    return;
  }
  const before = video.currentTime; // older browsers are asked at each repaint
  const look = (now) => video.currentTime === before ? requestAnimationFrame(look)
    : told(now, { presentedFrames: shown + 1 });
  requestAnimationFrame(look);
}
