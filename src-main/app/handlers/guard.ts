import { ok, type Result } from '../../contract/errors.ts';
import type { BrandId } from '../../contract/ids.ts';
import type { BrandLayers, GuardProof } from '../../contract/layers.ts';
import type { Brand } from '../brand.ts';
import { checkHook, checkQuestion } from '../guard-check.ts';
import { answerAsk, asksOf, decisionsOf } from '../guard-questions.ts';
import type { Workspace } from '../open-workspace.ts';
import { mapped, operator, type OperatorImplementation, type Scope } from './scope.ts';

/** The guard and the layers: questions about calls, proofs, and the decisions of a brand. */
export function guardHandlers(api: OperatorImplementation, workspace: Workspace, scope: Scope) {
  const { brandsOf } = scope;
  const ofLayers = async (
    id: BrandId | undefined,
    look: (brand: Brand) => BrandLayers | Promise<BrandLayers>,
  ): Promise<Result<GuardProof>> => {
    const chosen = brandsOf(id);
    if (!chosen.ok) return chosen;
    const brands: BrandLayers[] = [];
    for (const { brand } of chosen.value) brands.push(await look(brand));
    const canaries = brands.flatMap(({ layers }) => layers.flatMap((proof) => proof.canaries));
    return ok({ brands, breaches: canaries.filter(({ denied }) => !denied).length });
  };
  return {
    guard: {
      check: api.guard.check.handler(({ input }) =>
        ok(checkQuestion(input.question, workspace.places, (id) => workspace.brand(id as BrandId)?.brand)),
      ),
      prove: api.guard.prove.handler(({ input }) =>
        ofLayers(input.brand, (brand) => workspace.layers.prove(brand)),
      ),
      layers: api.guard.layers.handler(({ input }) =>
        ofLayers(input.brand, (brand) => workspace.layers.last(brand)),
      ),
      hook: api.guard.hook.handler(({ input }) =>
        ok(checkHook(input, workspace.places, (id) => workspace.brand(id as BrandId)?.brand)),
      ),
      asks: api.guard.asks.handler(({ input }) =>
        mapped(brandsOf(input.brand), (list) => asksOf(list, input.all)),
      ),
      answer: api.guard.answer.handler(({ input, context }) =>
        answerAsk(workspace.open(), input, operator(context)),
      ),
      log: api.guard.log.handler(({ input }) =>
        mapped(brandsOf(input.brand), (list) => decisionsOf(list, input)),
      ),
    },
  };
}
