import { useEffect } from 'react';
import { ApprovalsScreen } from './features/approvals/approvals-screen.tsx';
import { BrandScreen } from './features/brand/brand-screen.tsx';
import { Frame } from './features/frame/frame.tsx';
import { Page } from './features/frame/page.tsx';
import { HealthScreen } from './features/health/health-screen.tsx';
import { OnboardingScreen } from './features/onboarding/onboarding-screen.tsx';
import { SettingsScreen } from './features/settings/settings-screen.tsx';
import { TicketScreen } from './features/ticket/ticket-screen.tsx';
import { TodayScreen } from './features/today/today-screen.tsx';
import { WikiScreen } from './features/wiki/wiki-screen.tsx';
import { listenForKeys } from './keys.ts';
import { usePlace } from './router.ts';
import type { Route } from './routes.ts';
import { useLive } from './store.ts';
import { t } from './strings/en.ts';
import { Empty } from './ui/said.tsx';
import { Link } from './ui/link.tsx';

function Screen({ route }: { route: Route }) {
  const first = useLive((live) => live.loaded && live.brands.length === 0);
  switch (route.screen) {
    case 'today':
      return first ? <OnboardingScreen /> : <TodayScreen />;
    case 'approvals':
      return <ApprovalsScreen named={route.named} />;
    case 'brand':
      return <BrandScreen key={route.brand} brand={route.brand} tab={route.tab} ticket={route.ticket} />;
    case 'ticket':
      return <TicketScreen key={route.ticket} id={route.ticket} />;
    case 'wiki':
      return <WikiScreen page={route.page} />;
    case 'health':
      return <HealthScreen />;
    case 'settings':
      return <SettingsScreen />;
    case 'add-brand':
      return <OnboardingScreen />;
    case 'unknown':
      return (
        <Page title={t.unknown.title}>
          <Empty title={t.unknown.text(route.path)} action={<Link to="/">{t.nav.today}</Link>} />
        </Page>
      );
  }
}

/** The window: its frame, and the screen that the place names. */
export function App() {
  const route = usePlace((place) => place.route);
  useEffect(listenForKeys, []);
  return (
    <Frame>
      <Screen route={route} />
    </Frame>
  );
}
