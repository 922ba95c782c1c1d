/** A component that is drawn anew only where one of its properties has changed. */
import { Component, h, type FunctionComponent } from "preact";

export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
  class Kept extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const [a, b] = [this.props as Record<string, unknown>, next as Record<string, unknown>];
      return Object.keys({ ...a, ...b }).some((name) => a[name] !== b[name]);
    }

    override render(props: P) {
      return h(inner, props);
    }
  }
  return Kept as unknown as FunctionComponent<P>;
}
