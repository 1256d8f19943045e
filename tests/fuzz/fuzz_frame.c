/* Whatever arrives in a frame: any message or record, or nothing. */
#include "tests/fuzz/form.h"

static void run(struct span input)
{
    struct wire_message message;
    (void)form_check(input, &message);

    struct reader reader = reader_of(input);
    reader_skip(&reader, WIRE_DEPTH_MAX);
    MUST(reader.at <= reader.end);
    MUST(input.size == 0 || (reader.at >= input.data && reader.end == input.data + input.size));
}

const struct fuzz_target fuzz_target = {.run = run};
