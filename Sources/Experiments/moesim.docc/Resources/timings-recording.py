# SPDX-License-Identifier: GPL-3.0-or-later
# Writes a table of requests as LLMServingSim's recorder of a vLLM engine does.
import csv, json, sys

for row in csv.DictReader(open(sys.argv[1])):
  print(json.dumps({
    "request_id": row["request"],
    "input_toks": int(row["prompt_tokens"]), "output_toks": int(row["output_tokens"]),
    "arrival_time": float(row["arrival_s"]), "queued_ts": float(row["queued_s"]),
    "scheduled_ts": float(row["scheduled_s"]),
    "first_token_ts": float(row["first_token_s"]),
    "last_token_ts": float(row["last_token_s"])}))
