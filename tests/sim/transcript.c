#include "tests/sim/transcript.h"

#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdarg.h>

static void add(struct transcript *transcript, uint32_t replica, const char *text)
{
    uint32_t i = 0;

    while (i < transcript->n && strcmp(transcript->lines[i].text, text) != 0)
        i++;
    if (i == TRANSCRIPT_LINES_MAX)
        return;
    if (i == transcript->n) {
        transcript->lines[i].replicas = 0;
        (void)snprintf(transcript->lines[i].text, sizeof(transcript->lines[i].text), "%s", text);
        transcript->n++;
    }
    transcript->lines[i].replicas |= UINT64_C(1) << replica % 64;
}

void transcript_say(struct world *world, uint32_t replica, const char *format, ...)
{
    char text[sizeof(world->transcript->lines[0].text)];
    va_list args;

    if (world->transcript == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(world->transcript, replica, text);
}

void transcript_signed(struct world *world, uint32_t replica, const struct intent *intent)
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        transcript_say(world, replica, "proposal %" PRIu64 ".%" PRIu64, intent->proposal.rank.term,
                       intent->proposal.rank.seq);
        break;
    case INTENT_VOTE:
        transcript_say(world, replica, "vote %" PRIu64 ".%" PRIu64, intent->vote.rank.term,
                       intent->vote.rank.seq);
        break;
    case INTENT_COMMIT_VOTE:
        transcript_say(world, replica, "commit vote %" PRIu64 ".%" PRIu64,
                       intent->commit_vote.rank.term, intent->commit_vote.rank.seq);
        break;
    case INTENT_TIMEOUT:
        transcript_say(world, replica, "timeout of term %" PRIu64 ", citing %" PRIu64 ".%" PRIu64,
                       intent->timeout.term, intent->timeout.high.term, intent->timeout.high.seq);
        break;
    case INTENT_CHECKPOINT:
        transcript_say(world, replica, "checkpoint of height %" PRIu64, intent->checkpoint.height);
        break;
    }
}

void transcript_accused(struct world *world, uint32_t replica, const struct action *action)
{
    static const char *const kinds[] = {
        [INTENT_PROPOSAL] = "proposals",       [INTENT_VOTE] = "votes",
        [INTENT_COMMIT_VOTE] = "commit votes", [INTENT_TIMEOUT] = "timeouts",
        [INTENT_CHECKPOINT] = "checkpoints",
    };

    transcript_say(world, replica, "accuses %" PRIu32 " of two %s %" PRIu64 ".%" PRIu64,
                   action->accuse.validator, kinds[action->accuse.what], action->accuse.rank.term,
                   action->accuse.rank.seq);
}

void transcript_note(struct world *world, uint32_t replica, const struct action *action)
{
    const char *reason = note_reason_text(action->note.reason);

    switch (action->note.kind) {
    case NOTE_TERM_ENTERED:
        transcript_say(world, replica, "enters term %" PRIu64 ", led by %" PRIu32 " (%s)",
                       action->note.term.term, action->note.validator, reason);
        break;
    case NOTE_REFUSED:
        transcript_say(world, replica, "refuses %" PRIu64 ".%" PRIu64 " of %" PRIu32 " (%s)",
                       action->note.rank.term, action->note.rank.seq, action->note.validator,
                       reason);
        break;
    case NOTE_OBSERVING:
        transcript_say(world, replica, "observes (%s)", reason);
        break;
    case NOTE_EPOCH_ENTERED:
        transcript_say(world, replica, "enters epoch %" PRIu64, action->note.term.epoch);
        break;
    case NOTE_TIMED_OUT: /* its timeout says so */
    case NOTE_PROPOSED:
    case NOTE_ADMITTED:
    case NOTE_STATE_MISMATCH:
    case NOTE_EPOCH_SETTLED:
    case NOTE_RECOVERY_REFUSED:
        break;
    }
}

void transcript_flush(struct world *world, const char *next)
{
    struct transcript *transcript = world->transcript;

    if (transcript == NULL)
        return;
    for (uint32_t i = 0; i < transcript->n; i++) {
        (void)fputs("    ", transcript->file);
        replica_set_print(transcript->file, transcript->lines[i].replicas, 64);
        (void)fprintf(transcript->file, "  %s\n", transcript->lines[i].text);
    }
    transcript->n = 0;
    (void)fprintf(transcript->file, "%s\n", next);
}
