# The rules of scripts/tidy that need to read C: fed with every C file, twice, with
# -v pass=1 and pass=2 between them. Reads what clang-format lays out: a block's
# brace ends a line, a function's stands alone. Not a parser, and need not be one.

function complain(rule, text) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, text
    failed = 1
}

# The line without comments and without the insides of strings.
function code_of(line,    out, c, two, i, n, quote) {
    out = ""
    quote = ""
    n = length(line)
    for (i = 1; i <= n; i++) {
        c = substr(line, i, 1)
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") {
                in_comment = 0
                i++
            }
        } else if (quote != "") {
            if (c == "\\")
                i++
            else if (c == quote) {
                quote = ""
                out = out c
            }
        } else if (two == "/*") {
            in_comment = 1
            i++
        } else if (two == "//") {
            break
        } else {
            if (c == "\"" || c == "'")
                quote = c
            out = out c
        }
    }
    return out
}

function start_file() {
    in_comment = 0
    depth = 0
    blocks = 0
    parens = 0
    in_macro = 0
    statement = ""
    in_function = 0
    n_directives = 0
    in_enum = 0
    is_header = FILENAME ~ /\.h$/
    is_test = FILENAME ~ /^tests\//
    split("", labels)
    split("", switch_depth)
    n_switches = 0
    if (is_header && $0 !~ /^\/\*/)
        complain("header", "opens with its purpose, ownership and limits in a comment")
}

function note_enumerators(code) {
    if (code ~ /(^|[^a-z_])enum( [a-z_0-9]+)? \{/)
        in_enum = 1
    if (!in_enum)
        return
    sub(/.*\{/, "", code)
    while (match(code, /[A-Z][A-Z0-9_]+/)) {
        is_enumerator[substr(code, RSTART, RLENGTH)] = 1
        code = substr(code, RSTART + RLENGTH)
        sub(/^[^,}]*/, "", code)
    }
    if (code ~ /\}/)
        in_enum = 0
}

# X-macro rows become enumerators nobody writes out.
function is_ours(label) {
    return (label in is_enumerator) ||
           label ~ /^(MSG|EVENT|OUTCOME|APM_ERR|METRIC|WIRE_KIND|CMD)_[A-Z]/
}

function check_guard(code,    name, base) {
    if (code !~ /^#/ || n_directives > 1)
        return
    n_directives++
    if (n_directives == 1) {
        base = FILENAME
        sub(/^.*\//, "", base)
        sub(/\.h$/, "", base)
        name = toupper(base) "_H"
        gsub(/-/, "_", name)
        guard = code
        sub(/^#ifndef /, "", guard)
        if (code !~ /^#ifndef APM2_/ || substr(guard, length(guard) - length(name)) != "_" name)
            complain("guard", "the first directive is #ifndef APM2_[PLACE_]" name)
        else if (guard in guard_file)
            complain("guard", guard " is the guard of " guard_file[guard] " too")
        guard_file[guard] = FILENAME
    } else if (code != "#define " guard) {
        complain("guard", "#define " guard " belongs right after its #ifndef")
    }
}

# A definition outside functions that can change while the program runs.
function check_static(text) {
    sub(/^[ \t]+/, "", text)
    if (is_test || FILENAME == "common/log.c" || text ~ /(^|[ *])const[ ]/)
        return
    if (text ~ /^(typedef|extern|enum |_Static_assert|static_assert)/)
        return
    if (text ~ /^(struct|union) [a-z_0-9]+ *(\{|$)/ || text ~ /^[A-Z_0-9]+\(/)
        return
    head = text
    sub(/[={].*/, "", head)
    if (head ~ /\(/ || text ~ /^[};]/ || head !~ /^[a-zA-Z_]/)
        return
    complain("static", "mutable state outside functions: hand it down as a parameter")
}

BEGIN {
    # banned.h stops the first row at the compiler; here it counts in macros too.
    banned = "strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll alloca " \
             "sscanf scanf mktemp tmpnam tempnam localtime gmtime asctime ctime assert " \
             "setjmp longjmp alarm msgpack_unpack msgpack_unpack_next msgpack_unpacker_next"
    n_banned = split(banned " rand srand random system popen signal", banned_name, " ")
    n_banned_in_tests = split(banned, unused, " ")
    for (i = 1; i <= n_banned; i++)
        ban[banned_name[i]] = i
}

function check_calls(code,    name, number) {
    # Ignoring a signal, or ceasing to, needs no handler and so no sigaction().
    gsub(/signal\([^,()]+, SIG_(IGN|DFL)\)/, "", code)
    while (match(code, /(^|[^a-zA-Z0-9_.>])[a-z_]+\(/)) {
        name = substr(code, RSTART, RLENGTH)
        code = substr(code, RSTART + RLENGTH)
        gsub(/[^a-z_]/, "", name)
        number = (name in ban) ? ban[name] : 0
        if (number > 0 && !(is_test && number > n_banned_in_tests))
            complain("banned", name "(): see CONTRIBUTING.md for what to use")
    }
}

function check_goto(code,    name) {
    if (match(code, /^[a-z_][a-z_0-9]*:$/)) {
        name = substr(code, 1, RLENGTH - 1)
        labels[name] = FNR
    }
    if (match(code, /goto [a-z_][a-z_0-9]*;/)) {
        name = substr(code, RSTART + 5, RLENGTH - 6)
        if (name in labels)
            complain("goto", "backwards to " name ": write the loop")
    }
}

function check_switch(code,    label) {
    if (code ~ /(^|[^a-z_])switch \(/) {
        n_switches++
        switch_depth[n_switches] = blocks
        switch_ours[n_switches] = 0
        switch_default[n_switches] = 0
    }
    if (n_switches == 0)
        return
    if (match(code, /case [A-Z][A-Z0-9_]*:/)) {
        label = substr(code, RSTART + 5, RLENGTH - 6)
        if (is_ours(label))
            switch_ours[n_switches] = 1
    }
    if (code ~ /^ *default:/)
        switch_default[n_switches] = FNR
}

function end_switch() {
    if (switch_ours[n_switches] && switch_default[n_switches]) {
        complain("default", "line " switch_default[n_switches] ": a switch over our own enum " \
                 "names every value, so that the compiler misses none")
    }
    n_switches--
}

# A block's brace follows ") ", "else ", "do " or ": ", or starts the line; any other
# belongs to an initialiser and is no nesting.
function opens_block(before) {
    return before ~ /^ *$/ || before ~ /\) $/ || before ~ /(else|do) $/ || before ~ /: $/
}

function open_brace(before) {
    is_block[depth] = 0
    if (!in_function && parens == 0 && statement ~ /\)[ \t]*$/ && statement !~ /=/) {
        in_function = 1
        blocks = 0
        function_depth = depth
        function_line = FNR
        split("", labels)
    } else if (in_function && opens_block(before)) {
        is_block[depth] = 1
        blocks++
        if (blocks > 4 && !is_deep)
            complain("nesting", "more than 4 levels: give the inner part a name")
        is_deep = blocks > 4
    }
    depth++
}

function close_brace() {
    depth--
    if (is_block[depth]) {
        blocks--
        if (n_switches > 0 && switch_depth[n_switches] == blocks)
            end_switch()
        if (blocks <= 4)
            is_deep = 0
    }
    if (in_function && depth == function_depth) {
        if (FNR - function_line + 1 > 70)
            complain("length", "a function of " (FNR - function_line + 1) " lines (70 at most)")
        in_function = 0
        statement = ""
    }
}

# Walks the braces and gathers what stands outside functions into statements.
function walk(code,    i, n, c) {
    n = length(code)
    for (i = 1; i <= n; i++) {
        c = substr(code, i, 1)
        if (c == "(")
            parens++
        else if (c == ")" && parens > 0)
            parens--
        if (c == "{")
            open_brace(substr(code, 1, i - 1))
        else if (c == "}")
            close_brace()
        if (!in_function && parens == 0 && c == ";" && depth == 0) {
            check_static(statement)
            statement = ""
        } else if (!in_function && !(c == "}" && depth == 0 && statement == "")) {
            statement = statement c
        }
    }
    if (!in_function && statement != "")
        statement = statement " "
}

FNR == 1 { start_file() }

{
    code = code_of($0)
    sub(/[ \t]+$/, "", code)
}

pass == 1 {
    note_enumerators(code)
    next
}

/^#include "\.\.?\// { complain("include", "from the root, as in \"common/hash.h\"") }
code ~ /^ *typedef (struct|union|enum)/ && code !~ /\(/ {
    complain("typedef", "write struct, union or enum out")
}
in_function && !is_test && code ~ /^ +static / && code !~ /const/ {
    complain("static", "mutable state in a function: hand it down as a parameter")
}

# A macro's body is text, not nesting.
in_macro || code ~ /^ *#/ {
    if (is_header && !in_macro)
        check_guard(code)
    in_macro = code ~ /\\$/
    check_calls(code)
    next
}

{
    check_calls(code)
    check_goto(code)
    check_switch(code)
    walk(code)
}

END { exit failed }
