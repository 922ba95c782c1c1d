import { render } from "preact";
import "./styles/index.css";
import { App } from "./app";
import { apply } from "./settings";

apply();
const place = document.getElementById("app");
if (place) {
  place.textContent = "";
  render(<App />, place);
}
