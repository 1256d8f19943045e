/* Results and array parameters in PostgreSQL's binary formats. */
#include "common/db_conn.h"

#include <endian.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

uint32_t db_rows_n(const struct db_rows *rows)
{
    return (uint32_t)PQntuples(rows->result);
}

uint32_t db_rows_columns(const struct db_rows *rows)
{
    return (uint32_t)PQnfields(rows->result);
}

uint64_t db_rows_changed(const struct db_rows *rows)
{
    /* PQcmdTuples wants a PGresult it may change; it does not. */
    return strtoull(PQcmdTuples((PGresult *)(uintptr_t)rows->result), NULL, 10);
}

struct span db_get_bytes(const struct db_rows *rows, uint32_t row, uint32_t column)
{
    int size = PQgetlength(rows->result, (int)row, (int)column);
    return span_of(PQgetvalue(rows->result, (int)row, (int)column), (size_t)size);
}

uint64_t db_get_u64(const struct db_rows *rows, uint32_t row, uint32_t column)
{
    struct span bytes = db_get_bytes(rows, row, column);
    uint64_t value;
    if (bytes.size != sizeof(value))
        return 0;
    memcpy(&value, bytes.data, sizeof(value));
    return be64toh(value);
}

struct hash db_get_hash(const struct db_rows *rows, uint32_t row, uint32_t column)
{
    struct span bytes = db_get_bytes(rows, row, column);
    struct hash hash = {{0}};
    if (bytes.size == sizeof(hash.b))
        memcpy(hash.b, bytes.data, sizeof(hash.b));
    return hash;
}

/* ---- arrays: dimensions, has-null, element type, count, lower bound; then a
 * length and the bytes of each element. All integers are 32 bits, big endian. ---- */

#define ARRAY_HEADER_BYTES 20u
#define OID_BYTEA 17u
#define OID_INT8 20u
#define OID_TEXT 25u

static void append(struct db_array *array, const void *data, size_t size)
{
    if (array->size + size > array->capacity) {
        array->capacity = 2 * array->capacity + size;
        array->data = mem_resize(array->data, array->capacity);
    }
    if (size > 0)
        memcpy(array->data + array->size, data, size);
    array->size += size;
}

static void append_u32(struct db_array *array, uint32_t value)
{
    uint32_t bytes = htobe32(value);
    append(array, &bytes, sizeof(bytes));
}

static uint32_t element_oid(enum db_element element)
{
    switch (element) {
    case DB_OF_U64:
        return OID_INT8;
    case DB_OF_BYTES:
        return OID_BYTEA;
    case DB_OF_TEXT:
        break;
    }
    return OID_TEXT;
}

void db_array_init(struct db_array *array, enum db_element element)
{
    *array = (struct db_array){.element = element};
    db_array_clear(array);
}

void db_array_release(struct db_array *array)
{
    free(array->data);
    *array = (struct db_array){.element = array->element};
}

void db_array_clear(struct db_array *array)
{
    array->n = 0;
    array->size = 0;
    append_u32(array, 1);
    append_u32(array, 1); /* may hold NULLs: allowed to be claimed in vain */
    append_u32(array, element_oid(array->element));
    append_u32(array, 0);
    append_u32(array, 1);
    MUST(array->size == ARRAY_HEADER_BYTES);
}

static void count_one(struct db_array *array)
{
    uint32_t n = htobe32(++array->n);
    memcpy(array->data + 12, &n, sizeof(n));
}

void db_array_add_u64(struct db_array *array, uint64_t value)
{
    MUST(array->element == DB_OF_U64);
    uint64_t bytes = htobe64(value);
    append_u32(array, sizeof(bytes));
    append(array, &bytes, sizeof(bytes));
    count_one(array);
}

void db_array_add(struct db_array *array, struct span bytes)
{
    MUST(array->element != DB_OF_U64 && bytes.size <= INT32_MAX);
    append_u32(array, bytes.data == NULL ? UINT32_MAX : (uint32_t)bytes.size);
    append(array, bytes.data, bytes.data == NULL ? 0 : bytes.size);
    count_one(array);
}

struct db_param db_array_param(const struct db_array *array)
{
    return (struct db_param){.type = DB_ARRAY, .bytes = span_of(array->data, array->size)};
}
