/*
 * The protocol, n = 4, f = 1, checked exhaustively within bounds: one epoch, or with
 * LAST_1 two (epochs.pml).
 *
 * Three honest validators are processes. The fourth may sign anything at any time, so it
 * needs no process: two honest signatures and its own are a quorum. Leaders are not
 * trusted either: any block that VOTE 3 calls legal may be proposed, twice if need be. It
 * exists from its first honest vote on; before that it binds nobody.
 *
 * Messages never disappear: what has been signed once may arrive at any later time, or
 * never. What a node knows beyond its safety record is chosen anew at every step, between
 * the record and all that exists. So a node may crash and restart from its record between
 * any two steps, and a loss or a delay is a choice not made.
 *
 * Bounds: TERMS terms, BLOCKS blocks of each; README.md has the rest, and why the three
 * reductions (term by term, forgetting, order of nodes) lose nothing.
 */
#ifndef TERMS
#define TERMS 3
#endif
#ifndef BLOCKS
#define BLOCKS 2
#endif
#define ALL (TERMS * BLOCKS + 1) /* block 0 is the epoch's root */

#ifdef LAST_1
#define FIRST_OF_EPOCH (term > LAST_1 -> LAST_1 + 1 : 1)
#define LAST_OF_EPOCH (term > LAST_1 -> TERMS : LAST_1)
#else
#define FIRST_OF_EPOCH 1
#define LAST_OF_EPOCH TERMS
#endif

/* ---- blocks: of term t are BLOCKS places, taken in order ---- */

byte parent[ALL];
byte seq[ALL];        /* 0: not yet proposed */
short ancestors[ALL]; /* a bit per block, parents' parents included */
short handoffs;       /* blocks that hand their term on */

#define TERM(b) (((b) + BLOCKS - 1) / BLOCKS)
#define RANK(b) (TERM(b) * 16 + seq[b])
#define HAS(set, b) (((set) >> (b)) & 1)
#define IS_NEXT_PLACE(b) (seq[b] == 0 && (((b) - 1) % BLOCKS == 0 || seq[(b) - 1] != 0))

/* ---- what the honest have signed ---- */

byte term = 1;         /* in which they act: see next_term */
short votes[3];        /* in this term, a bit per block */
short commit_votes[3]; /* likewise */
short qcs = 1;         /* blocks certified in earlier terms */
byte cc;               /* the newest block committed in earlier terms */
/* cited[TIMEOUT(i, T)]: 1 + the block whose QC is cited by i's first Timeout for T or
 * a later term; 0: none yet. */
byte cited[3 * TERMS];

#define FIRST_PLACE ((term - 1) * BLOCKS + 1)
#define LAST_PLACE (term * BLOCKS)
#define TIMEOUT(i, T) ((i) * TERMS + (T) - 1)
#define TWO_OF(sets) ((sets[0] & sets[1]) | (sets[0] & sets[2]) | (sets[1] & sets[2]))
#define CERTIFIED (TWO_OF(votes) | qcs)

/* A TC(T) of two honest Timeouts and the traitor's, none citing above p: p will do as
 * its high QC. */
#ifdef PLANT_ANY_JUSTIFY
#define CITES_AT_MOST(i, T, p) (cited[TIMEOUT(i, T)] != 0)
#else
#define CITES_AT_MOST(i, T, p)                                                                     \
    (cited[TIMEOUT(i, T)] != 0 && RANK(cited[TIMEOUT(i, T)] - 1) <= RANK(p))
#endif
#define HAS_TC(T, p)                                                                               \
    (CITES_AT_MOST(0, T, p) + CITES_AT_MOST(1, T, p) + CITES_AT_MOST(2, T, p) >= 2)

/* ---- the safety records ---- */

byte last_vote[3];
byte timed_out[3];
byte high_qc[3];

#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* ---- scratch ---- */

hidden byte x;
hidden byte y;
hidden short s;

#define EXCHANGE(a, b)                                                                             \
    s = a;                                                                                         \
    a = b;                                                                                         \
    b = s

/* ---- epochs ---- */

#include "epochs.pml"

/* ---- VOTE ---- */

#ifdef PLANT_NUMBERING
#define FIRST_SEQ(p) (seq[p] + 1)
#define IS_RULE_2(b, first) true
#else
#define FIRST_SEQ(p) 1
#define IS_RULE_2(b, first) (!(first) || TERM(last_vote[_pid]) < TERM(b))
#endif

#ifdef PLANT_HANDOFF_JUMP
#define HANDS_ON(p, to) (HAS(handoffs, p) && TERM(p) < (to))
#else
#define HANDS_ON(p, to) (HAS(handoffs, p) && TERM(p) == (to) - 1)
#endif

#define IS_FIRST(b, p) (TERM(p) < TERM(b))
#define SEQ(b, p) (IS_FIRST(b, p) -> FIRST_SEQ(p) : seq[p] + 1)

/* VOTE 3. HAS_TC(0, ...) does not exist: the first term is entered by its root. */
#define IS_ENTERED(b, p)                                                                           \
    ((TERM(b) == FIRST_OF_EPOCH && IS_ROOT(p)) || HANDS_ON(p, TERM(b)) ||                          \
     (TERM(b) > FIRST_OF_EPOCH && HAS_TC(MAX(TERM(b) - 1, 1), p)))
#define IS_LEGAL(b, p)                                                                             \
    (HAS(CERTIFIED, p) && (IS_FIRST(b, p) -> IS_ENTERED(b, p) : !HAS(handoffs | CONFIGS, p)))

/* VOTE 1 and 2; `rank` and `first` are the block's. */
#define MAY_VOTE(b, rank, first)                                                                   \
    (MAY_SIGN && TERM(b) == term && TERM(b) > timed_out[_pid] &&                                   \
     (rank) > RANK(last_vote[_pid]) && IS_RULE_2(b, first))

inline raise_high(b)
{
    high_qc[_pid] = (RANK(b) > RANK(high_qc[_pid]) -> b : high_qc[_pid]);
}

inline vote(b)
{
#ifndef PLANT_UNSAVED_VOTE
    last_vote[_pid] = b;
#endif
    raise_high(parent[b]);
    votes[_pid] = votes[_pid] | (1 << b);
}

/* Its first honest vote brings a block into being; a leader's own vote is one. */
#define VOTE_NEW(b, p)                                                                             \
    :: atomic {                                                                                    \
        IS_NEXT_PLACE(b) && IS_LEGAL(b, p) &&                                                      \
            MAY_VOTE(b, TERM(b) * 16 + SEQ(b, p), IS_FIRST(b, p)) ->                               \
        seq[b] = SEQ(b, p);                                                                        \
        parent[b] = p;                                                                             \
        ancestors[b] = ancestors[p] | (1 << p);                                                    \
        if                                                                                         \
        :: TERM(b) < LAST_OF_EPOCH -> handoffs = handoffs | (1 << b)                               \
        :: MAY_BE_CONFIG(p) -> set_config(b)                                                       \
        :: skip                                                                                    \
        fi;                                                                                        \
        vote(b);                                                                                   \
        check()                                                                                    \
    }
#define VOTE_OLD(b)                                                                                \
    :: atomic {                                                                                    \
        seq[b] != 0 && !HAS(votes[_pid], b) &&                                                     \
            MAY_VOTE(b, RANK(b), IS_FIRST(b, parent[b])) ->                                        \
        vote(b);                                                                                   \
        check()                                                                                    \
    }

/* ---- COMMIT-VOTE ---- */

#ifdef PLANT_LATE_COMMIT_VOTE
#define IS_NOT_TIMED_OUT(b) true
#else
#define IS_NOT_TIMED_OUT(b) (TERM(b) > timed_out[_pid])
#endif

#define COMMIT_VOTE(b)                                                                             \
    :: atomic {                                                                                    \
        MAY_SIGN && TERM(b) == term && HAS(CERTIFIED, b) && !HAS(commit_votes[_pid], b) &&         \
            IS_NOT_TIMED_OUT(b) ->                                                                 \
        commit_votes[_pid] = commit_votes[_pid] | (1 << b);                                        \
        raise_high(b);                                                                             \
        check()                                                                                    \
    }

/* ---- TIMEOUT: cites the recorded high QC, or a higher one seen since ---- */

/* A node that has done and seen nothing in this term could have sent it in the one before. */
#define IS_OF_THIS_TERM(b)                                                                         \
    (term == FIRST_OF_EPOCH || TERM(b) == term || (votes[_pid] | commit_votes[_pid]) != 0)
#ifdef PLANT_LOW_TIMEOUT
#define MAY_CITE(b) HAS(CERTIFIED, b)
#else
#define MAY_CITE(b)                                                                                \
    (HAS(CERTIFIED, b) && ((b) == high_qc[_pid] || RANK(b) > RANK(high_qc[_pid])))
#endif

#define SEND_TIMEOUT(T, b)                                                                         \
    :: atomic {                                                                                    \
        MAY_SIGN && term < LAST_OF_EPOCH && (T) <= LAST_OF_EPOCH && (T) > timed_out[_pid] &&       \
            (T) >= term && IS_OF_THIS_TERM(b) && MAY_CITE(b) ->                                    \
        high_qc[_pid] = b;                                                                         \
        timed_out[_pid] = MAX(timed_out[_pid], FIRST_OF_EPOCH - 1);                                \
        do                                                                                         \
        :: timed_out[_pid] < (T) ->                                                                \
            timed_out[_pid]++;                                                                     \
            cited[TIMEOUT(_pid, timed_out[_pid])] = b + 1                                          \
        :: else -> break                                                                           \
        od;                                                                                        \
        check()                                                                                    \
    }

/* ---- any order of the honest will do: they differ in nothing but their state ---- */

#if TERMS > 3
#define THIRD 3
#else
#define THIRD TERMS
#endif
#define KEY(i)                                                                                     \
    ((votes[i] >> FIRST_PLACE) + ((commit_votes[i] >> FIRST_PLACE) << BLOCKS) +                    \
     (last_vote[i] << 6) + (high_qc[i] << 10) + (timed_out[i] << 14) +                             \
     (cited[TIMEOUT(i, 1)] << 16) + (cited[TIMEOUT(i, 2)] << 20) +                                 \
     (cited[TIMEOUT(i, THIRD)] << 24) + (IS_LOST(i) << 28))

inline order(i, k)
{
    if
    :: KEY(i) > KEY(k) ->
        EXCHANGE(votes[i], votes[k]);
        EXCHANGE(commit_votes[i], commit_votes[k]);
        EXCHANGE(last_vote[i], last_vote[k]);
        EXCHANGE(high_qc[i], high_qc[k]);
        EXCHANGE(timed_out[i], timed_out[k]);
        exchange_lost(i, k);
        for (y : 1 .. TERMS) {
            EXCHANGE(cited[TIMEOUT(i, y)], cited[TIMEOUT(k, y)])
        }
    :: else
    fi
}

inline sort()
{
    order(0, 1);
    order(1, 2);
    order(0, 1);
    s = 0
}

/* ---- the invariants, after every step ---- */

hidden short certified;
hidden short proven; /* by a CC, or by a QC on the child of the same term with seq + 1 */
hidden short committed;

inline find_committed()
{
    certified = CERTIFIED;
    proven = TWO_OF(commit_votes) | (1 << cc) | 1;
    for (x : FIRST_PLACE .. LAST_PLACE) {
        if
        :: HAS(certified, x) && TERM(parent[x]) == term ->
            proven = proven | (1 << parent[x])
        :: else
        fi
    }
    committed = proven;
    stop_at_config()
}

inline forget_found()
{
    x = 0;
    y = 0;
    certified = 0;
    proven = 0;
    committed = 0
}

#define ARE_IN_CONFLICT(a, b) ((a) != (b) && !HAS(ancestors[a], b) && !HAS(ancestors[b], a))
#define CITES_LESS(i, T, b)                                                                        \
    (cited[TIMEOUT(i, T)] != 0 && RANK(cited[TIMEOUT(i, T)] - 1) < RANK(b))
/* Signed b, and a Timeout of b's term or later that cites less than b had shown by then. */
#define IS_LATE(i, signed_by, b, seen)                                                             \
    (HAS(signed_by[i], b) && CITES_LESS(i, TERM(b), seen))

inline check_pair(a, b)
{
    assert(!(HAS(committed, a) && HAS(committed, b) && ARE_IN_CONFLICT(a, b))); /* agreement */
#ifndef AGREEMENT_ONLY
    assert(!(HAS(certified, a) && HAS(certified, b) && a != b && RANK(a) == RANK(b))); /* I2 */
    assert(!(HAS(proven, a) && HAS(certified, b) && RANK(b) > RANK(a) &&
             !HAS(ancestors[b], a))); /* I5 */
#endif
}

inline check_block(b)
{
    skip;
#ifndef AGREEMENT_ONLY
    assert(!IS_LATE(0, commit_votes, b, b) && !IS_LATE(1, commit_votes, b, b) &&
           !IS_LATE(2, commit_votes, b, b)); /* I3, CommitVotes */
    assert(!IS_LATE(0, votes, b, parent[b]) && !IS_LATE(1, votes, b, parent[b]) &&
           !IS_LATE(2, votes, b, parent[b])); /* I3, Votes */
    for (y : TERM(b) .. TERMS) {
        assert(!HAS(proven, b) ||
               CITES_LESS(0, y, b) + CITES_LESS(1, y, b) + CITES_LESS(2, y, b) < 2) /* I4 */
    }
#endif
}

inline check()
{
    d_step {
        find_committed();
        for (x : 1 .. ALL - 1) {
            if
            :: HAS(certified | proven | committed | votes[0] | votes[1] | votes[2], x) ->
                check_block(x);
                for (y : 0 .. ALL - 1) {
                    check_pair(x, y)
                }
            :: else
            fi
        }
#ifdef WITNESS
        /* Not an invariant: a search that cannot get here has proved nothing. */
        for (x : 1 + 2 * BLOCKS .. ALL - 1) {
            assert(!(HAS(committed, x) && TERM(parent[x]) == 2 && HAS(handoffs, parent[x]) &&
                     TERM(parent[parent[x]]) == 1 && timed_out[0] > 0))
        }
#endif
        check_reinstated();
        sort();
        forget_found()
    }
}

/* ---- the next term: steps are taken term by term, and what no later step can depend
 * on is forgotten ---- */

/* No later TC can have a high QC below this: two of three cite it or more. */
hidden byte floor;

#define LEAST(i) (cited[TIMEOUT(i, term)] != 0 -> cited[TIMEOUT(i, term)] - 1 : high_qc[i])
#define LESSER(a, b) (RANK(a) < RANK(b) -> (a) : (b))
#define GREATER(a, b) (RANK(a) < RANK(b) -> (b) : (a))

inline find_floor()
{
    x = LESSER(LEAST(0), LEAST(1));
    y = GREATER(LEAST(0), LEAST(1));
    s = LEAST(2);
    floor = (RANK(s) <= RANK(x) -> x : (RANK(s) <= RANK(y) -> s : y))
}

/* Of blocks on one chain the newest stands for all. */
inline find_newest(set)
{
    for (x : 1 .. LAST_PLACE) {
        if
        :: HAS(set, x) && RANK(x) >= RANK(cc) -> cc = x
        :: else
        fi
    }
}

#define IS_USELESS(b)                                                                              \
    (!HAS(qcs, b) || (b != cc && RANK(b) < RANK(floor) && !HANDS_ON(b, term + 1) &&                \
                      !HAS(CONFIGS, b)))

/* Last of all: ranks are needed until then. */
inline forget_blocks()
{
    s = 0;
    for (x : 1 .. LAST_PLACE) {
        s = s | (IS_USELESS(x) << x)
    }
    qcs = qcs & ~s;
    handoffs = handoffs & ~s;
    forget_configs(s);
    for (x : 1 .. LAST_PLACE) {
        ancestors[x] = ancestors[x] & (qcs | (1 << cc));
        if
        :: HAS(s, x) ->
            seq[x] = 0;
            parent[x] = 0;
            ancestors[x] = 0
        :: else
        fi
    }
}

inline forget_signed(i)
{
    votes[i] = 0;
    commit_votes[i] = 0;
    last_vote[i] = 0;
    high_qc[i] = (RANK(high_qc[i]) < RANK(floor) -> 0 : high_qc[i]);
    for (y : 1 .. TERMS) {
        if
        :: y < term -> cited[TIMEOUT(i, y)] = 0
        :: y >= term && CITES_LESS(i, y, floor) -> cited[TIMEOUT(i, y)] = 1
        :: else
        fi
    }
}

/* A signature that made no quorum of two only bound its signer: as well not given. */
#define LONELY(sets) ((sets[0] | sets[1] | sets[2]) & ~TWO_OF(sets))
#define IS_TERM_OVER (LONELY(votes) == 0 && LONELY(commit_votes) == 0)
#define MAY_GO_ON (term < LAST_OF_EPOCH && IS_TERM_OVER)

inline next_term()
{
    d_step {
        find_committed();
        qcs = certified;
        find_newest(proven);
        find_floor();
        forget_signed(0);
        forget_signed(1);
        forget_signed(2);
        forget_blocks();
        term++;
        sort();
        forget_found();
        floor = 0
    }
}

/* ---- everything an honest validator may do next ---- */

/* M(x, b) for all blocks b below a number, which Promela has no loop for. */
#define BELOW_1(M, x) M(x, 0)
#define BELOW_2(M, x) BELOW_1(M, x) M(x, 1)
#define BELOW_3(M, x) BELOW_2(M, x) M(x, 2)
#define BELOW_4(M, x) BELOW_3(M, x) M(x, 3)
#define BELOW_5(M, x) BELOW_4(M, x) M(x, 4)
#define BELOW_6(M, x) BELOW_5(M, x) M(x, 5)
#define BELOW_7(M, x) BELOW_6(M, x) M(x, 6)
#define BELOW_8(M, x) BELOW_7(M, x) M(x, 7)
#define BELOW_9(M, x) BELOW_8(M, x) M(x, 8)

#define ON_BLOCK(b, below) below(VOTE_NEW, b) VOTE_OLD(b) COMMIT_VOTE(b)

#if ALL == 7
#define UP_TO_LAST(M, x) BELOW_7(M, x)
#elif ALL == 9 && TERMS == 4
#define UP_TO_LAST(M, x) BELOW_9(M, x)
#else
#error "3 terms of 2 blocks, or 2 of 3, or 4 of 2"
#endif

active [3] proctype honest()
{
    do
    :: atomic {
        _pid == 0 && MAY_GO_ON ->
        next_term()
    }
    ON_BLOCK(1, BELOW_1)
    ON_BLOCK(2, BELOW_2)
    ON_BLOCK(3, BELOW_3)
    ON_BLOCK(4, BELOW_4)
    ON_BLOCK(5, BELOW_5)
    ON_BLOCK(6, BELOW_6)
#if ALL > 7
    ON_BLOCK(7, BELOW_7)
    ON_BLOCK(8, BELOW_8)
#endif
    UP_TO_LAST(SEND_TIMEOUT, 1)
    UP_TO_LAST(SEND_TIMEOUT, 2)
#if TERMS > 3
    UP_TO_LAST(SEND_TIMEOUT, 3)
#endif
#ifdef LAST_1
    LOSE
    ENTER(1)
    ENTER(2)
#if LAST_1 > 1
    ENTER(3)
    ENTER(4)
#endif
#endif
    od
}
