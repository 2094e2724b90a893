package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// metrics counts what a node does. Labels are routes, codes and the like, which
// nobody can make up: no id, no path, no secret.
type metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	requests  *prometheus.HistogramVec
	redis     prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_decisions_total", Help: "Decisions about credentials that were presented or asked about, by their code."}, []string{"code"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_request_duration_seconds", Help: "How long answers took, by the route's pattern and the class of their status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 15}}, []string{"method", "route", "status"}),
		redis: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_redis_duration_seconds", Help: "How long Redis took to answer about limits.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, 1}}),
	}
	m.registry.MustRegister(m.decisions, m.requests, m.redis, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// decided counts a decision.
func (m *metrics) decided(code credential.Code) { m.decisions.WithLabelValues(string(code)).Inc() }

// answered counts an answer.
func (m *metrics) answered(a edge.Answer) {
	m.requests.WithLabelValues(a.Method, a.Route, strconv.Itoa(a.Status/100)+"xx").Observe(a.Took.Seconds())
}

func (m *metrics) tookRedis(d time.Duration) { m.redis.Observe(d.Seconds()) }

// limits tells of what keeps the limits of a node.
func (m *metrics) limits(l *limiters) {
	decided := func(source string, count func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "gatehouse_limit_decisions_total", Help: "Requests held against limits, by what decided: memory, of a node that has no Redis; redis; share, of a node whose Redis is away; refused, since it is.",
			ConstLabels: prometheus.Labels{"source": source}}, func() float64 { return float64(count()) }))
	}
	if l.shared == nil {
		decided("memory", l.memory.Load)
		return
	}
	decided("redis", func() int64 { return l.shared.Stats().Redis })
	decided("share", func() int64 { return l.shared.Stats().Share })
	decided("refused", func() int64 { return l.shared.Stats().Refused })
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_redis_up", Help: "1 while limits are kept by Redis, 0 while it is away."}, func() float64 {
			if l.shared.Degraded() {
				return 0
			}
			return 1
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gatehouse_redis_lost_total", Help: "How often Redis went away."}, func() float64 { return float64(l.shared.Stats().Lost) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_nodes", Help: "How many nodes there are, as far as this one knows."}, func() float64 { return float64(l.nodes.Count()) }))
}

// handler serves the metrics and nothing else.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return mux
}
