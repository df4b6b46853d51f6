/* floor - what the system itself takes to send the same bytes to the same
 * clients: a loop of send(2) over connections on loopback, and nothing else.
 *
 *     floor CONNECTIONS BYTES EVENTS RATE
 *
 * A process for the clients reads from epoll, as bench/live's do.  First each
 * event goes to the next connection, RATE a second, with a turn of epoll_wait()
 * for each, as of a server that waits for news; then as fast as it goes.
 * Prints the processor time of the sending process for each event, in
 * microseconds: paced, then unpaced.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "could not %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Reads whatever comes until all connections have ended. */
static void read_all(const struct sockaddr_in *server, int count)
{
    static char data[65536];
    struct epoll_event events[256];
    int poll = epoll_create1(0);
    int left = count;

    check(poll >= 0, "make an epoll");
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };

        check(fd >= 0 && connect(fd, (const struct sockaddr *)server,
                                 sizeof *server) == 0,
              "connect");
        check(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted) == 0, "watch");
    }
    while (left > 0) {
        int ready = epoll_wait(poll, events, 256, -1);

        for (int i = 0; i < ready; i++) {
            ssize_t n = recv(events[i].data.fd, data, sizeof data, 0);

            if (n > 0 || (n < 0 && errno == EINTR))
                continue;
            close(events[i].data.fd);
            left--;
        }
    }
}

static double cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void send_whole(int fd, const char *ptr, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, ptr, len, MSG_NOSIGNAL);

        check(n > 0 || errno == EINTR, "send");
        if (n > 0) {
            ptr += n;
            len -= (size_t)n;
        }
    }
}

/* `rate` 0: as fast as it goes.  Processor time for one event. */
static double measure(const int *fds, int count, const char *event, size_t len,
                      int events, int rate)
{
    struct itimerspec each = { 0 };
    struct epoll_event tick = { .events = EPOLLIN };
    int poll = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    double before;

    if (rate > 0)
        each.it_interval.tv_nsec = each.it_value.tv_nsec = 1000000000L / rate;
    check(poll >= 0 && timer >= 0 &&
              timerfd_settime(timer, 0, &each, NULL) == 0,
          "make a timer");
    check(epoll_ctl(poll, EPOLL_CTL_ADD, timer, &tick) == 0, "watch the timer");
    before = cpu_us();
    for (int sent = 0; sent < events;) {
        uint64_t due = 1;

        if (rate > 0) {
            check(epoll_wait(poll, &tick, 1, -1) >= 0, "wait");
            check(read(timer, &due, sizeof due) == sizeof due,
                  "read the timer");
        }
        for (; due > 0 && sent < events; due--, sent++)
            send_whole(fds[sent % count], event, len);
    }
    close(timer);
    close(poll);
    return (cpu_us() - before) / events;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = { .sin_family = AF_INET };
    socklen_t size = sizeof server;
    int count = argc > 1 ? atoi(argv[1]) : 0;
    size_t len = argc > 2 ? (size_t)atoi(argv[2]) : 0;
    int events = argc > 3 ? atoi(argv[3]) : 0;
    int rate = argc > 4 ? atoi(argv[4]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int *fds;
    char *event;
    double paced, unpaced;

    if (count < 1 || len < 1 || events < 1 || rate < 2) {
        fprintf(stderr, "usage: floor CONNECTIONS BYTES EVENTS RATE\n");
        return 2;
    }
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(listener >= 0 &&
              bind(listener, (struct sockaddr *)&server, sizeof server) == 0 &&
              listen(listener, 4096) == 0 &&
              getsockname(listener, (struct sockaddr *)&server, &size) == 0,
          "listen");
    if (fork() == 0) {
        close(listener);
        read_all(&server, count);
        return 0;
    }
    fds = calloc((size_t)count, sizeof *fds);
    event = malloc(len);
    check(fds && event, "get memory");
    memset(event, 'x', len);
    for (int i = 0; i < count; i++) {
        fds[i] = accept(listener, NULL, NULL);
        check(fds[i] >= 0, "accept");
    }
    paced = measure(fds, count, event, len, events, rate);
    unpaced = measure(fds, count, event, len, events, 0);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    wait(NULL);
    printf("%.2f %.2f\n", paced, unpaced);
    return 0;
}
