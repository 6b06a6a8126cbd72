import { readFileSync } from 'node:fs';
import type { WorkspaceConfig } from '../contract/config.ts';
import type { ModelUpstream } from '../services/gateway/index.ts';

const PROVIDERS = [
  {
    provider: 'gemini',
    config: 'gemini',
    baseUrl: 'https://generativelanguage.googleapis.com',
    baseEnv: ['GOOGLE_GEMINI_BASE_URL'],
    keyEnv: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  },
  {
    provider: 'anthropic',
    config: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    baseEnv: ['ANTHROPIC_BASE_URL'],
    keyEnv: ['ANTHROPIC_API_KEY'],
  },
  {
    provider: 'openai',
    config: 'openai',
    baseUrl: 'https://api.openai.com',
    baseEnv: ['OPENAI_BASE_URL'],
    keyEnv: ['OPENAI_API_KEY'],
  },
] as const;

/** Where models are, and how their keys are found; keys are read at each call and stay in this process. */
export function modelUpstreams(config: WorkspaceConfig, environment: NodeJS.ProcessEnv): ModelUpstream[] {
  return PROVIDERS.map(({ provider, config: name, baseUrl, baseEnv, keyEnv }) => {
    const own = config.models[name];
    const fromEnvironment = (names: readonly string[]) =>
      names.map((one) => environment[one]).find((value) => value !== undefined && value !== '');
    return {
      provider,
      baseUrl: (own?.baseUrl ?? fromEnvironment(baseEnv) ?? baseUrl).replace(/\/+$/, ''),
      key: () => {
        if (own?.keyFile !== undefined) {
          try {
            return readFileSync(own.keyFile, 'utf8').trim();
          } catch {
            return undefined;
          }
        }
        return fromEnvironment(own?.keyEnv === undefined ? keyEnv : [own.keyEnv]);
      },
    };
  });
}
