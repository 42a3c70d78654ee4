package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// configuration is the library's --config-file. Who sent a statement hears of its errors; the log need not. The caches
// are a few hundred MiB instead of the many GiB that a database server takes; all memory together is bounded too. Parts are written
// without column statistics and with each String's length before it, which saves merges work; these have half of the processors.
// https://clickhouse.com/docs/operations/server-configuration-parameters/settings
const configuration = `<clickhouse>
  <logger><levels><logger><name>executeQuery</name><level>none</level></logger></levels></logger>
  %s
  <background_pool_size>%d</background_pool_size>
  <mark_cache_size>134217728</mark_cache_size>
  <index_mark_cache_size>33554432</index_mark_cache_size>
  <primary_index_cache_size>134217728</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <query_condition_cache_size>33554432</query_condition_cache_size>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
  <vector_similarity_index_cache_size>0</vector_similarity_index_cache_size>
  <text_index_tokens_cache_size>0</text_index_tokens_cache_size>
  <text_index_header_cache_size>0</text_index_header_cache_size>
  <text_index_postings_cache_size>0</text_index_postings_cache_size>
  <parquet_metadata_cache_size>0</parquet_metadata_cache_size>
  <merge_tree>
    <auto_statistics_types></auto_statistics_types>
    <string_serialization_version>single_stream</string_serialization_version>
  </merge_tree>
</clickhouse>
`

// configure writes the configuration into dir and returns its path. A memory of zero bytes stands for half of what the
// machine, or the container, has.
func configure(dir string, memory uint64) (string, error) {
	limit := "<max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>"
	if memory > 0 {
		limit = fmt.Sprintf("<max_server_memory_usage>%d</max_server_memory_usage>", memory)
	}
	path := filepath.Join(dir, "config.xml")
	text := fmt.Sprintf(configuration, limit, max(1, runtime.GOMAXPROCS(0)/2))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("writing the engine's configuration: %w", err)
	}
	return path, nil
}
