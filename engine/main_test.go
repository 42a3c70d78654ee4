package engine_test

import (
	"testing"

	"flapwatch/internal/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }
