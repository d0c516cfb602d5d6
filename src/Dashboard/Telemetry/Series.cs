namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// The values of one metric in two sizes: the smallest and largest of each bucket of the whole run, and the newest values as
/// they are. Which row or bucket is which moment is kept once for all metrics, in <see cref="Track"/>.
/// </summary>
sealed class Series(int buckets, int recent)
{
    readonly float[] min = new float[buckets];
    readonly float[] max = new float[buckets];

    // Which of the two came first: a falling and a rising curve must not look alike.
    readonly bool[] minFirst = new bool[buckets];
    readonly float[] newest = new float[recent];

    internal float Min(int bucket) => min[bucket];

    internal float Max(int bucket) => max[bucket];

    internal float First(int bucket) => minFirst[bucket] ? min[bucket] : max[bucket];

    internal float Last(int bucket) => minFirst[bucket] ? max[bucket] : min[bucket];

    internal float Recent(int slot) => newest[slot];

    internal void Begin(int bucket) => (min[bucket], max[bucket], minFirst[bucket]) = (float.NaN, float.NaN, true);

    internal void Put(int bucket, int slot, float value)
    {
        newest[slot] = value;
        if (float.IsNaN(value)) return;
        if (float.IsNaN(min[bucket])) (min[bucket], max[bucket]) = (value, value);
        else if (value < min[bucket]) (min[bucket], minFirst[bucket]) = (value, false);
        else if (value > max[bucket]) (max[bucket], minFirst[bucket]) = (value, true);
    }

    internal void Move(int from, int to) => (min[to], max[to], minFirst[to]) = (min[from], max[from], minFirst[from]);

    /// <summary>Makes one bucket of two neighbours; no extreme is lost.</summary>
    internal void Merge(int into, int next)
    {
        if (float.IsNaN(min[next])) return;
        if (float.IsNaN(min[into]))
        {
            Move(next, into);
            return;
        }

        var lowIsLater = min[next] < min[into];
        var highIsLater = max[next] > max[into];
        minFirst[into] = (lowIsLater, highIsLater) switch
        {
            (true, true) => minFirst[next],
            (false, false) => minFirst[into],
            _ => highIsLater,
        };
        min[into] = Math.Min(min[into], min[next]);
        max[into] = Math.Max(max[into], max[next]);
    }
}
