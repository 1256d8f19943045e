/* A whole service in a child process, asked from outside: socket, HTTP, signals. */
#include "tests/support/service_rig.h"

START_TEST(queries_are_answered)
{
    up();
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_str_eq(buf_str(&body), "{\"reloads\":0,\"prefork\":1,\"stall\":3000,\"args\":2}");
    down();
    ck_assert_int_eq(ask("look"), APM_ERR_UNREACHABLE);
}
END_TEST

START_TEST(the_socket_is_for_owner_and_group)
{
    up();
    struct stat info;
    ck_assert_int_eq(stat(admin_socket, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0660);
    down();
    ck_assert_int_ne(stat(admin_socket, &info), 0);
}
END_TEST

START_TEST(health_and_metrics)
{
    up();
    ck_assert_ptr_nonnull(strstr(get("/livez"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz"), " 200 "));
    ck_assert_ptr_nonnull(
        strstr(get("/readyz?verbose"), "[+] mood: fine\n[+] always: yes\nready\n"));
    ck_assert_ptr_nonnull(
        strstr(get("/metrics"), "apm2_consensus_quorum_size{node_id=\"n1\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "process_resident_memory_bytes"));

    ck_assert_int_eq(ask("service"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"ready\":true,\"checks\":[{\"name\":\"mood\""));
    ck_assert_int_eq(ask("sicken"), APM_OK);
    ck_assert_ptr_nonnull(strstr(get("/livez"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz"), " 503 "));
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "[-] mood: bad\nnot ready\n"));
    ck_assert_ptr_nonnull(strstr(get("/readyz?exclude=mood"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz?exclude=moo"), " 503 "));
    down();
}
END_TEST

START_TEST(what_is_waited_for_is_said)
{
    up();
    ck_assert_int_eq(ask("sicken"), APM_OK);
    wait_until_logged("event=not_ready check=mood detail=bad\n");
    ck_assert(!has_logged("event=ready_again"));
    ck_assert_int_eq(ask("sicken"), APM_OK);
    wait_until_logged("event=ready_again");
    down();
}
END_TEST

START_TEST(a_bad_reload_keeps_the_old_settings)
{
    up();
    write_settings("stall_timeout: never\n");
    kill(child, SIGHUP);
    usleep(200000);
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"reloads\":0,\"prefork\":1,\"stall\":3000"));
    write_settings("stall_timeout: 4s\n");
    kill(child, SIGHUP);
    usleep(200000);
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"reloads\":1,\"prefork\":1,\"stall\":4000"));
    down();
}
END_TEST

START_TEST(a_second_process_is_fenced)
{
    up();
    ck_assert_int_eq(exit_code(spawn("--health-port", "1")), 75);
    ck_assert_int_eq(ask("look"), APM_OK); /* the first is untouched */
    down();
}
END_TEST

START_TEST(a_killed_ones_place_can_be_taken)
{
    up();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(ask("look"), APM_ERR_UNREACHABLE); /* though its socket file is there */
    up();
    down();
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    child = spawn("--set", "drain_timeout=200s");
    wait_until_up();
    kill(child, SIGSTOP);
    kill(child, SIGTERM);
    kill(child, SIGINT);
    kill(child, SIGCONT);
    ck_assert_int_eq(exit_code(child), 1);
    unlink(admin_socket); /* "at once" cleans nothing up */
    sweep();
}
END_TEST

START_TEST(a_fatal_failure_has_its_exit_code)
{
    up();
    (void)ask("fail");
    ck_assert_int_eq(exit_code(child), 75);
    sweep();
}
END_TEST

static const struct exit_row {
    const char *flag;
    const char *value;
    int want;
} exit_rows[] = {
    {"--port", "0", 78},
    {"--prot", "1", 78},
    {"--set", "port", 64},
    {"--port", NULL, 64},
    {"stray", NULL, 64},
    {"--help", NULL, 0},
    {"--version", NULL, 0},
    {"--config=/nonexistent.yaml", NULL, 78},
    {"--health-address", "192.0.2.1", 78},
    {"--run-dir",
     "/tmp/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
     "0123456789/0123456789/0123456789",
     78},
};

START_TEST(starts_that_fail)
{
    const struct exit_row *row = &exit_rows[_i];
    int got = exit_code(spawn(row->flag, row->value));
    ck_assert_msg(got == row->want, "%s: got %d, want %d", row->flag, got, row->want);
    sweep();
}
END_TEST

START_TEST(a_port_in_use_is_a_configuration_error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(exit_code(spawn(NULL, NULL)), 78);
    close(fd);
    sweep();
}
END_TEST

UNIT_MAIN("service", scratch, NULL, {
    tcase_add_test(tc, queries_are_answered);
    tcase_add_test(tc, the_socket_is_for_owner_and_group);
    tcase_add_test(tc, health_and_metrics);
    tcase_add_test(tc, what_is_waited_for_is_said);
    tcase_add_test(tc, a_bad_reload_keeps_the_old_settings);
    tcase_add_test(tc, a_second_process_is_fenced);
    tcase_add_test(tc, a_killed_ones_place_can_be_taken);
    tcase_add_test(tc, a_second_signal_ends_it_at_once);
    tcase_add_test(tc, a_fatal_failure_has_its_exit_code);
    tcase_add_loop_test(tc, starts_that_fail, 0, N_ELEMENTS(exit_rows));
    tcase_add_test(tc, a_port_in_use_is_a_configuration_error);
})
