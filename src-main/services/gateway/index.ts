export { isListed } from './network-list.ts';
export { openRunGateway } from './gateway.ts';
export { GatewayFault } from './ports.ts';
export type {
  GatewayLimits,
  GatewayRun,
  HostLookup,
  ModelProvider,
  ModelUpstream,
  ModelUsage,
  NetworkDecision,
  RunGateway,
  RunGatewayOptions,
  RunReports,
  UsageTotals,
} from './ports.ts';
