/** Every address of the application: a line for each feature. The frames of their pages are set in `router.tsx`. */
import { apiKeyRoutes } from "@/features/api_keys/routes";
import { artifactRoutes } from "@/features/artifacts/routes";
import { auditRoutes } from "@/features/audit_entries/routes";
import { backgroundTaskRoutes } from "@/features/background_tasks/routes";
import { blockRoutes } from "@/features/blocks/routes";
import { limitRoutes } from "@/features/concurrency_limits/routes";
import { deploymentRoutes } from "@/features/deployments/routes";
import { eventRoutes } from "@/features/events/routes";
import { explorerRoutes } from "@/features/explorer/routes";
import { failureRoutes } from "@/features/failure_groups/routes";
import { flowRunRoutes } from "@/features/flow_runs/routes";
import { flowRoutes } from "@/features/flows/routes";
import { loginSessionRoutes } from "@/features/login_sessions/routes";
import { memberRoutes } from "@/features/members/routes";
import { logRoutes } from "@/features/logs/routes";
import { nowRoutes } from "@/features/now/routes";
import { organizationRoutes } from "@/features/organizations/routes";
import { pauseRoutes } from "@/features/pauses/routes";
import { quotaRoutes } from "@/features/quotas/routes";
import { roleRoutes } from "@/features/roles/routes";
import { serviceAccountRoutes } from "@/features/service_accounts/routes";
import { slaRuleRoutes } from "@/features/sla_rules/routes";
import { taskRunRoutes } from "@/features/task_runs/routes";
import { teamRoutes } from "@/features/teams/routes";
import { variableRoutes } from "@/features/variables/routes";
import { workPoolRoutes } from "@/features/work_pools/routes";
import { overviewRoutes, placesRoutes, workspaceRoutes } from "@/features/workspaces/routes";
import { organizationRoute, rootRoute, workspaceRoute } from "@/lib/routes";

const ofRoot = [
  ...placesRoutes,
  ...loginSessionRoutes,
] as const;

const ofOrganization = [
  ...overviewRoutes,
  ...memberRoutes,
  ...teamRoutes,
  ...roleRoutes,
  ...serviceAccountRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...quotaRoutes,
  ...organizationRoutes,
] as const;

const ofWorkspace = [
  ...nowRoutes,
  ...flowRunRoutes,
  ...deploymentRoutes,
  ...flowRoutes,
  ...failureRoutes,
  ...pauseRoutes,
  ...workPoolRoutes,
  ...limitRoutes,
  ...slaRuleRoutes,
  ...eventRoutes,
  ...logRoutes,
  ...artifactRoutes,
  ...taskRunRoutes,
  ...backgroundTaskRoutes,
  ...blockRoutes,
  ...variableRoutes,
  ...explorerRoutes,
  ...workspaceRoutes,
] as const;

export const routeTree = rootRoute.addChildren([...ofRoot, organizationRoute.addChildren([...ofOrganization]), workspaceRoute.addChildren([...ofWorkspace])]);
