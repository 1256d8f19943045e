#include "services/cli/ask.h"
#include "services/cli/output_json.h"

/* The schema itself; with --json all that the registry knows of it. */
int cmd_schema_show(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *args = json_pack("{s:s}", "schema", invocation->args[0]);
    json_t *body = NULL;
    const struct request request = {"schema-registry", "schema", args};

    enum apm_err err = ask_service(invocation, &request, &body, &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    output_json(say_is_json(invocation) ? body : json_object_get(body, "schema"));
    json_decref(body);
    return 0;
}
