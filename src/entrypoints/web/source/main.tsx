import { render } from "preact";
import "./styles/index.css";
import { App } from "./app";
import { listen } from "./keys";
import { keepPage } from "./parts/dropping";
import { reload } from "./profiles/state";
import { apply } from "./settings";

apply();
reload(); // asks for the first rows before anything is drawn
keepPage();
listen(); // a key that comes before the view does is kept
const place = document.getElementById("app");
if (place) painted(() => render(<App />, place));

/** Once the frame that stands there has been seen, which is then taken over. */
function painted(then: () => void): void {
  if (document.hidden) then();
  else requestAnimationFrame(() => setTimeout(then));
}
