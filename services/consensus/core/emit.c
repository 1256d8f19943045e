#include "services/consensus/core/core_state.h"

#include "common/must.h"

struct action *emit(struct core *core, enum action_kind kind)
{
    MUST(core->out->n < ACTIONS_MAX);
    struct action *action = &core->out->list[core->out->n++];
    action->kind = kind;
    return action;
}

void emit_note(struct core *core, enum note_kind kind, enum note_reason reason, uint32_t validator,
               const struct block *block)
{
    struct action *action = emit(core, ACTION_NOTE);

    action->note.kind = kind;
    action->note.reason = reason;
    action->note.validator = validator;
    action->note.term = core->cur;
    action->note.rank = block ? block->header.rank : (struct rank){0, 0, 0};
    action->note.block = block ? block->id : (struct hash){{0}};
    action->note.height = block ? block->header.height : 0;
}

struct action *emit_accuse(struct core *core, uint64_t validator, enum intent_kind what,
                           struct rank rank)
{
    struct action *action = emit(core, ACTION_ACCUSE);

    action->accuse.validator = (uint32_t)validator;
    action->accuse.what = what;
    action->accuse.rank = rank;
    action->accuse.first = action->accuse.second = (struct hash){{0}};
    return action;
}

struct action *emit_send(struct core *core, enum send_kind kind, uint32_t to)
{
    struct action *action = emit(core, ACTION_SEND);

    action->send.kind = kind;
    action->send.to = to;
    return action;
}

uint32_t votes_go_to(const struct core *core)
{
    return core->config.set.n <= VOTE_FANOUT_ALL_MAX ? TO_ALL : core->leader;
}

bool core_may_sign(const struct core *core)
{
    return core->is_admitted && !core->record.observing && core->config.self != VALIDATOR_NONE &&
           !epoch_is_ending(core) && !core->is_behind_record && core->n_persists < PERSISTS_MAX &&
           core->n_intents < INTENTS_MAX;
}

bool emit_intent(struct core *core, const struct intent *intent)
{
    if (!core_may_sign(core))
        return false;
    if (safety_approve(&core->record, intent) != SAFETY_OK)
        return false;
    core->intents[core->n_intents++] = *intent;
    return true;
}

void emit_persist(struct core *core)
{
    if (core->n_intents == 0 && !core->must_persist)
        return;

    MUST(core->n_persists < PERSISTS_MAX);
    core->record.counter++;
    struct persist *persist = &core->persists[core->n_persists++];
    persist->token = ++core->next_token;
    persist->issued_ms = core->now_ms;
    persist->n_intents = core->n_intents;
    memcpy(persist->intents, core->intents, core->n_intents * sizeof(core->intents[0]));

    struct action *action = emit(core, ACTION_PERSIST);
    action->persist.token = persist->token;
    action->persist.record = &core->record;
    action->persist.n_intents = core->n_intents;
    memcpy(action->persist.intents, core->intents, core->n_intents * sizeof(core->intents[0]));
    action->persist.block = core->persist_block;
    action->persist.own = core->has_own_proposal ? &core->own : NULL;

    core->n_intents = 0;
    core->must_persist = false;
    core->has_own_proposal = false;
    core->persist_block = (struct hash){{0}};
}
