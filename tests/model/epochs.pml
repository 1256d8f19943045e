/*
 * Two epochs, with LAST_1: terms up to it are of the first, the others of the second.
 *
 * Any block may be a config block; the epoch ends when one is committed, and that block
 * takes place 0, the root of the next. What reinstates is such a block: whoever lost its
 * record, in whatever number, signs nothing until then and is one of the honest again.
 * As in one term after another, the steps of the first epoch are taken before those of the
 * second: they depend on nothing in it, and a node acts in both in this order.
 */
#ifdef LAST_1

short configs; /* blocks with a next_set, of this epoch */
bool lost[3];  /* the safety record: it observes */

#define CONFIGS configs
#define IS_LOST(i) lost[i]

/* Rule 3: until a config block commits its descendants are empty, so none is another one.
 * That its parent is committed serves execution alone and is not asked for here. */
#define MAY_BE_CONFIG(p) (term <= LAST_1 && ((ancestors[p] | (1 << p)) & configs) == 0)

#ifdef PLANT_AMNESIAC
#define MAY_SIGN true
#define MAY_LOSE ((lost[0] || lost[1] || lost[2]) == 0) /* one is enough */
#else
#define MAY_SIGN (!lost[_pid])
#define MAY_LOSE (!lost[_pid])
#endif

#ifdef PLANT_OLD_QC
#define IS_ROOT(p) (TERM(p) <= FIRST_OF_EPOCH - 1)
#else
#define IS_ROOT(p) ((p) == 0)
#endif

inline set_config(b)
{
    configs = configs | (1 << b)
}

inline exchange_lost(i, k)
{
    EXCHANGE(lost[i], lost[k])
}

inline forget_configs(set)
{
    configs = configs & ~set
}

/* COMMIT stops at the first config block. */
inline stop_at_config()
{
#ifndef PLANT_PAST_CONFIG
    for (x : 1 .. LAST_PLACE) {
        if
        :: HAS(proven, x) && (ancestors[x] & configs) != 0 ->
            committed = (committed & ~(1 << x)) | (ancestors[x] & configs)
        :: else
        fi
    }
#else
    skip
#endif
}

#define LOSE                                                                                       \
    :: atomic {                                                                                    \
        MAY_LOSE ->                                                                                \
        lost[_pid] = true;                                                                         \
        last_vote[_pid] = 0;                                                                       \
        timed_out[_pid] = 0;                                                                       \
        high_qc[_pid] = 0;                                                                         \
        check()                                                                                    \
    }

#ifdef WITNESS_REINSTATED
byte reinstated;
#endif

/* Not an invariant either. Of two honest signatures one is of a node reinstated. */
inline check_reinstated()
{
#ifdef WITNESS_REINSTATED
    for (x : 1 + LAST_1 * BLOCKS .. ALL - 1) {
        assert(!(HAS(committed, x) && TERM(parent[x]) == LAST_1 + 1 && reinstated >= 2 &&
                 timed_out[2] > LAST_1))
    }
#else
    skip
#endif
}

/* ---- the next epoch: its root is a config block that was committed ---- */

#ifdef PLANT_UNCOMMITTED_ROOT
#define ROOTS certified
#else
#define ROOTS committed
#endif

/* All that the old epoch signed counts in it alone, so nothing of it is kept. What it
 * committed last is asked whether it leads to the root. */
inline forget_epoch(r)
{
    s = 1 << cc;
#ifdef PLANT_OLD_QC
    s = s | certified;
#endif
    s = s & ~(1 << r);
    for (x : 0 .. LAST_PLACE) {
        ancestors[x] = (ancestors[x] & s & ~1) | HAS(ancestors[x], r)
    }
    ancestors[0] = ancestors[r] & ~1;
    for (x : 1 .. LAST_PLACE) {
        if
        :: !HAS(s, x) ->
            seq[x] = 0;
            parent[x] = 0;
            ancestors[x] = 0
        :: else
        fi
    }
#ifdef PLANT_OLD_QC
    qcs = s | 1;
#else
    qcs = 1;
#endif
    cc = (cc == r -> 0 : cc);
    handoffs = 0;
    configs = 0
}

/* The record goes along: its votes and Timeouts rank below the root. Who lost it has a
 * new one, in which there are none. */
inline enter_epoch(i)
{
    votes[i] = 0;
    commit_votes[i] = 0;
    last_vote[i] = 0;
    high_qc[i] = 0;
    lost[i] = false;
    for (y : 1 .. LAST_1) {
#ifdef PLANT_OLD_TIMEOUT
        cited[TIMEOUT(i, LAST_1 + y)] = (cited[TIMEOUT(i, y)] != 0);
#endif
        cited[TIMEOUT(i, y)] = 0
    }
}

inline next_epoch(r)
{
    d_step {
        cc = 0;
        find_newest(committed);
#ifndef AGREEMENT_ONLY
        assert(cc == r); /* nothing was committed after it, and nothing beside it */
#endif
#ifdef WITNESS_REINSTATED
        reinstated = lost[0] + lost[1] + lost[2];
#endif
        forget_epoch(r);
        enter_epoch(0);
        enter_epoch(1);
        enter_epoch(2);
        term = LAST_1 + 1;
        sort()
    }
}

/* By the proof that r was committed, as itself or as an ancestor. */
#define ENTER(b)                                                                                   \
    :: atomic {                                                                                    \
        _pid == 0 && term <= LAST_1 && HAS(configs, b) && IS_TERM_OVER ->                          \
        find_committed();                                                                          \
        if                                                                                         \
        :: HAS(ROOTS, b) -> next_epoch(b)                                                          \
        :: else                                                                                    \
        fi;                                                                                        \
        forget_found()                                                                             \
    }

#else /* one epoch */

#define CONFIGS 0
#define IS_LOST(i) 0
#define MAY_BE_CONFIG(p) false
#define MAY_SIGN true
#define IS_ROOT(p) ((p) == 0)

inline set_config(b)
{
    skip
}

inline exchange_lost(i, k)
{
    skip
}

inline forget_configs(set)
{
    skip
}

inline stop_at_config()
{
    skip
}

inline check_reinstated()
{
    skip
}

#endif
