import './ui/fonts.css';
import './ui/tokens.css';
import './ui/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { connect } from './connection.ts';
import { followScheme } from './preferences.ts';
import { receive, setLink } from './store.ts';
import { transportOfPage } from './transports.ts';

followScheme();
connect(transportOfPage(), { onItem: receive, onLink: setLink });

const root = document.getElementById('root');
if (root === null)
  throw new Error('index.html has no element with the id "root"; the window cannot be shown.');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
