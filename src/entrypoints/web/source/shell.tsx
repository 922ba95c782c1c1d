/** What the HTML of the page holds from the beginning; used where it is built. */
import renderToString from "preact-render-to-string";
import { Frame } from "./frame";

export function shell(): string {
  return renderToString(
    <Frame view={null}>
      <section class="view" aria-busy="true" />
    </Frame>,
  );
}
