/* SPDX-License-Identifier: MIT */
/*
 * Speaks QMP; see qmp.h. Each message is one line of JSON. Commands carry
 * their own name as "id", which QEMU puts into the answer, so an answer finds
 * its row in a table.
 */
#include "qmp.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 4 << 20 }; /* the registers of 255 processors take 0.7 MiB */

static void send_command(struct qmp *qmp, const char *json)
{
	send(qmp->fd, json, strlen(json), MSG_NOSIGNAL); /* some 100 bytes: the socket takes them whole, or is closed */
}

static void send_capabilities(struct qmp *qmp)
{
	send_command(qmp, "{\"execute\":\"qmp_capabilities\",\"id\":\"capabilities\"}\n");
}

void qmp_stop(struct qmp *qmp)
{
	send_command(qmp, "{\"execute\":\"stop\",\"id\":\"stop\"}\n");
}

void qmp_ask_registers(struct qmp *qmp)
{
	send_command(qmp, "{\"execute\":\"human-monitor-command\",\"id\":\"registers\","
			  "\"arguments\":{\"command-line\":\"info registers -a\"}}\n");
}

void qmp_quit(struct qmp *qmp)
{
	send_command(qmp, "{\"execute\":\"quit\",\"id\":\"quit\"}\n");
}

/* ---- Answers ----------------------------------------------------------- */

static void on_capabilities(struct qmp *qmp, const json_t *answer)
{
	(void)answer;
	qmp->started(qmp->ctx);
	send_command(qmp, "{\"execute\":\"cont\",\"id\":\"cont\"}\n");
}

static void on_registers(struct qmp *qmp, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "return"));

	qmp->registers(qmp->ctx, text ? text : "");
}

static const struct {
	const char *id;
	void (*act)(struct qmp *qmp, const json_t *answer);
} answers[] = {
	{ "capabilities", on_capabilities },
	{ "registers", on_registers },
};

static void on_answer(struct qmp *qmp, const json_t *message, const char *id)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].id, id) == 0)
			answers[i].act(qmp, message);
}

/* ---- Events ------------------------------------------------------------ */

static void on_event(struct qmp *qmp, const json_t *message, const char *event)
{
	const json_t *data = json_object_get(message, "data");
	const char *reason = json_string_value(json_object_get(data, "reason"));

	if (strcmp(event, "SHUTDOWN") == 0)
		qmp->ended(qmp->ctx, reason ? reason : "", json_is_true(json_object_get(data, "guest")));
	else if (strcmp(event, "STOP") == 0)
		qmp->stopped(qmp->ctx);
}

static void on_message(struct qmp *qmp, const json_t *message)
{
	const char *event = json_string_value(json_object_get(message, "event"));
	const char *id = json_string_value(json_object_get(message, "id"));

	if (json_object_get(message, "QMP"))
		send_capabilities(qmp);
	else if (event)
		on_event(qmp, message, event);
	else if (id)
		on_answer(qmp, message, id);
}

/* ---- Lines ------------------------------------------------------------- */

static bool on_line(struct qmp *qmp, const char *line, size_t len)
{
	json_t *message = json_loadb(line, len, 0, NULL);

	if (!message)
		return false;
	on_message(qmp, message);
	json_decref(message);
	return true;
}

/* Act on each whole line, keep the rest. */
static bool take_lines(struct qmp *qmp)
{
	size_t begin = 0;
	char *end;

	while ((end = memchr(qmp->buf + begin, '\n', qmp->len - begin))) {
		size_t len = (size_t)(end - qmp->buf) - begin;

		if (!on_line(qmp, qmp->buf + begin, len))
			return false;
		begin += len + 1;
	}
	qmp->len -= begin;
	memmove(qmp->buf, qmp->buf + begin, qmp->len);
	return true;
}

bool qmp_read(struct qmp *qmp)
{
	char chunk[4096], *grown;
	ssize_t n = read(qmp->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0 || qmp->len + (size_t)n > LINE_MAX_LEN)
		return false;
	grown = realloc(qmp->buf, qmp->len + (size_t)n);
	if (!grown)
		return false;
	qmp->buf = grown;
	memcpy(qmp->buf + qmp->len, chunk, (size_t)n);
	qmp->len += (size_t)n;
	return take_lines(qmp);
}

void qmp_free(struct qmp *qmp)
{
	free(qmp->buf);
}
