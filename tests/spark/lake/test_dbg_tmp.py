from tests.spark.lake.test_merge import *
from tests.spark.conftest import *
from tests.spark.lake.conftest import *
def test_dbg(spark, plan):
    made=[rows.chip(cell, rows.PASS_A) for cell in rows.CELLS_3X3[:2]]
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made))
    src=rows.frame(spark,"chips",made); src.createOrReplaceTempView("pp")
    b=extent_of(src, TABLES["chips"]).bounds
    st=merge.insert_sql(TABLES["chips"], branches.on_branch(plan,"chips"), "pp", b)
    bus = spark.sparkContext._jsc.sc().listenerBus()
    store = spark._jsparkSession.sharedState().statusStore()
    bus.waitUntilEmpty()
    before = store.executionsList().last().executionId()
    spark.sql(st)
    bus.waitUntilEmpty()
    print("before",before, "last", store.executionsList().last().executionId())
    L=store.executionsList()
    for k in range(L.size()):
        e=L.apply(k)
        if e.executionId()>before-1:
            print(e.executionId(), e.description()[:80])
            values=store.executionMetrics(e.executionId())
            nodes=store.planGraph(e.executionId()).allNodes()
            for n in range(nodes.size()):
                node=nodes.apply(n); print("  node",node.name())
                ms=node.metrics()
                for m in range(ms.size()):
                    mm=ms.apply(m); v=values.get(mm.accumulatorId())
                    print("     ",mm.name(), v)
    assert 0
