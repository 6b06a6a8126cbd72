import { runtimeTitle } from '../../choices.ts';
import { lasting, visible } from '../../format.ts';
import { type Scheme, choose, usePreferences } from '../../preferences.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Check } from '../../ui/field.tsx';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty } from '../../ui/said.tsx';
import { Fact, Facts, Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Choice } from '../../ui/tabs.tsx';
import { Ago, Code, Line } from '../../ui/text.tsx';
import { Page } from '../frame/page.tsx';
import css from './settings.module.css';

const schemes: readonly Scheme[] = ['system', 'light', 'dark'];
const minute = 60_000;

function Window() {
  const { scheme, singleKeys } = usePreferences();
  return (
    <Section title={t.settings.window}>
      <Facts>
        <Fact name={t.settings.scheme}>
          <Choice
            label={t.settings.scheme}
            options={schemes.map((value) => ({ value, title: t.settings.schemes[value] }))}
            value={scheme}
            onChoose={(value) => choose({ scheme: value })}
          />
        </Fact>
        <Fact name={t.settings.keys}>
          <Check
            label={t.settings.singleKeys}
            hint={t.settings.singleKeysHint}
            checked={singleKeys}
            onChange={(checked) => choose({ singleKeys: checked })}
          />
        </Fact>
      </Facts>
    </Section>
  );
}

/** What this window and the workspace are set to. The workspace's own settings are changed in its files. */
export function SettingsScreen() {
  const workspace = useLive((live) => live.workspace);
  const config = useLive((live) => live.config);
  const brands = useLive((live) => live.brands);
  const runtimes = useLive((live) => live.runtimes);
  return (
    <Page title={t.nav.settings}>
      <Window />
      {workspace !== null && config !== null && (
        <Section title={t.settings.workspace} aside={t.settings.inFile}>
          <Facts>
            <Fact name={t.settings.name}>
              <Line text={workspace.name} />
            </Fact>
            <Fact name={t.brand.folder}>
              <Code text={workspace.path} />
            </Fact>
            <Fact name={t.settings.dispatch}>{t.settings.dispatches[config.dispatch]}</Fact>
            <Fact name={t.settings.defaultRuntime}>{runtimeTitle(config.defaultRuntime)}</Fact>
            <Fact name={t.settings.maxRuns}>{config.maxRuns}</Fact>
            <Fact name={t.settings.maxCheckouts}>{config.maxCheckouts}</Fact>
            <Fact name={t.settings.attempt}>{lasting(config.attemptMinutes * minute)}</Fact>
            <Fact name={t.settings.check}>{lasting(config.checkMinutes * minute)}</Fact>
            <Fact name={t.settings.models}>
              {Object.keys(config.models).length === 0
                ? t.settings.noModels
                : Object.entries(config.models).map(([name, model]) => (
                    <p key={name}>
                      {visible(name)} · <Line text={model?.baseUrl ?? t.settings.providersOwn} />
                    </p>
                  ))}
            </Fact>
          </Facts>
        </Section>
      )}
      <Section title={t.settings.runtimes}>
        {runtimes.map((runtime) => (
          <div key={runtime.name} className={css.line}>
            <span className={css.name}>{runtimeTitle(runtime.name)}</span>
            <span className={css.state}>
              <StateMark
                state={runtime.present ? 'passed' : 'none'}
                word={runtime.present ? t.settings.present : t.settings.absent}
              />
            </span>
            <span className={css.probed}>
              <Line text={[runtime.version, runtime.detail].filter((each) => each !== '').join(' · ')} />
              <Line text={runtime.capabilities.join(' · ')} />
            </span>
            <Ago at={runtime.probedAt} />
          </div>
        ))}
      </Section>
      <Section title={t.nav.brands}>
        {brands.length === 0 ? (
          <Empty title={t.settings.noBrands} />
        ) : (
          <Rows label={t.nav.brands}>
            {brands.map((brand) => (
              <Row key={brand.id} to={`/brand/${brand.id}/overview`}>
                <BrandMark id={brand.id} />
                <span className={css.quiet}>{brand.id}</span>
                <span className={css.quiet}>
                  <Line text={brand.repositories.map((repository) => repository.name).join(', ')} />
                </span>
              </Row>
            ))}
          </Rows>
        )}
      </Section>
    </Page>
  );
}
