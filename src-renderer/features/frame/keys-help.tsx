import { useState } from 'react';
import { useLayers } from '../../keys.ts';
import { t } from '../../strings/en.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import css from './keys-help.module.css';

/** Every key of the screen that was there when this was opened. */
export function KeysHelp({ onClose }: { onClose(): void }) {
  const [layers] = useState(() =>
    useLayers.getState().layers.filter((layer) => !layer.modal && layer.bindings.length > 0),
  );
  return (
    <Dialog title={t.keys.title} onClose={onClose}>
      <div className={css.body}>
        {layers.toReversed().map((layer) => (
          <section key={layer.id}>
            <h3 className={css.title}>{layer.title}</h3>
            <dl>
              {layer.bindings.map((binding) => (
                <div key={binding.key} className={css.line}>
                  <dt>{binding.label}</dt>
                  <dd>
                    <Kbd keys={binding.key} />
                    <span className={css.unseen}>{binding.key}</span>
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3 className={css.title}>{t.keys.lists}</h3>
          <dl>
            <div className={css.line}>
              <dt>{t.keys.open}</dt>
              <dd>
                <Kbd keys="Enter" />
                <span className={css.unseen}>{t.keyNames.enter}</span>
              </dd>
            </div>
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
