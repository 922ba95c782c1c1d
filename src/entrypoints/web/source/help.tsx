import { signal } from "@preact/signals";
import { Dialog } from "./parts/dialog";
import { shortcuts } from "./settings";
import { t } from "./texts";

export const helping = signal(false);

export function Help() {
  return (
    <Dialog title={t.help.title} onClose={() => (helping.value = false)}>
      <div class="body">
        <table class="keys">
          <tbody>
            {t.help.keys.map(([keys, meaning]) => (
              <tr key={keys}>
                <th scope="row">
                  <kbd>{keys}</kbd>
                </th>
                <td>{meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <label class="check">
          <input
            type="checkbox"
            checked={shortcuts.value}
            onChange={() => (shortcuts.value = !shortcuts.value)}
          />
          {t.help.shortcuts}
        </label>
      </div>
    </Dialog>
  );
}
