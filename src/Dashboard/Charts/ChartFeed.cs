using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mcn.Web.Dashboard.Telemetry;

namespace Mcn.Web.Dashboard.Charts;

/// <summary>
/// What one viewer's chart still lacks, as bytes: all of it at first and after a restart went back, afterwards only what is
/// new. Pulled by the viewer: nothing is kept for one that does not come.
/// </summary>
/// <remarks>
/// Layout, little endian: int32 kind (1 all, 0 more), int32 columns, int32 rows, int32 spare; x as float64; then each column
/// as float32. NaN is "nothing here": the curve breaks.
/// </remarks>
public sealed class ChartFeed(ChartSpec spec, ChartChoice choice)
{
    /// <summary>Rows after which the browser gets a fresh, rolled-up whole instead of more and more rows.</summary>
    const int RowsBeforeAnew = 6000;

    static readonly TimeSpan NewestSpan = TimeSpan.FromMinutes(10);

    readonly bool bySteps = choice.BySteps && spec.Group == "step";
    readonly bool overtakenToo = choice.Overtaken && spec.Group == "step";
    readonly List<double> x = [];
    readonly List<float> cells = [];
    int generation = -1;
    long next;
    int sent;
    double lastX;

    int Columns => overtakenToo ? spec.Lines.Count * 2 : spec.Lines.Count;

    /// <summary>The next message, or null when there is nothing new.</summary>
    public byte[]? Next(RunProjection run) => run.Read(spec.Group, Build);

    byte[]? Build(Track track, IReadOnlyDictionary<int, long> overtaken)
    {
        x.Clear();
        cells.Clear();
        var anew = generation != track.Generation || next < track.OldestRecent || sent > RowsBeforeAnew;
        if (!anew && next == track.Total) return null;
        if (anew)
        {
            lastX = double.NegativeInfinity;
            sent = 0;
            if (choice.Newest) AddNewest(track, overtaken);
            else AddBuckets(track, overtaken);
            if (overtakenToo && bySteps) Sort();
        }
        else
        {
            for (var row = next; row < track.Total; row++) AddRecent(track, row, overtaken);
        }

        (generation, next) = (track.Generation, track.Total);
        sent += x.Count;
        if (!anew && x.Count == 0) return null;
        return Encode(anew);
    }

    void AddBuckets(Track track, IReadOnlyDictionary<int, long> overtaken)
    {
        for (var bucket = 0; bucket < track.UsedBuckets; bucket++)
        {
            foreach (var (at, early) in track.BucketRows(bucket)) Add(at, metric => track.InBucket(metric, bucket, early), overtaken);
        }
    }

    void AddNewest(Track track, IReadOnlyDictionary<int, long> overtaken)
    {
        if (track.Total == 0) return;
        var from = track.RecentAt(track.Total - 1).Time - NewestSpan.TotalSeconds;
        for (var row = track.OldestRecent; row < track.Total; row++)
            if (track.RecentAt(row).Time >= from) AddRecent(track, row, overtaken);
    }

    void AddRecent(Track track, long row, IReadOnlyDictionary<int, long> overtaken) => Add(track.RecentAt(row), metric => track.RecentValue(metric, row), overtaken);

    void Add(Track.Moment at, Func<string, float> value, IReadOnlyDictionary<int, long> overtaken)
    {
        var isOvertaken = overtaken.TryGetValue(at.Incarnation, out var after) && at.Step > after;
        if (isOvertaken && !overtakenToo) return;
        var place = bySteps ? at.Step : at.Time;
        if (double.IsNaN(place)) return;
        // The library needs rising x; dimmed rows are sorted in afterwards.
        if (!isOvertaken && place <= lastX) place = Math.BitIncrement(lastX);
        var breaks = bySteps ? at.StepGap : at.TimeGap;
        if (breaks && !isOvertaken && double.IsFinite(lastX)) AddRow((lastX + place) / 2, _ => float.NaN, false);
        AddRow(place, value, isOvertaken);
        if (!isOvertaken) lastX = place;
    }

    void AddRow(double place, Func<string, float> value, bool dimmed)
    {
        x.Add(place);
        foreach (var line in spec.Lines) cells.Add(dimmed ? float.NaN : (float)(value(line.Metric) * spec.Scale));
        if (!overtakenToo) return;
        foreach (var line in spec.Lines) cells.Add(dimmed ? (float)(value(line.Metric) * spec.Scale) : float.NaN);
    }

    void Sort()
    {
        var order = Enumerable.Range(0, x.Count).OrderBy(row => x[row]).ToArray();
        var sortedX = order.Select(row => x[row]).ToArray();
        var sortedCells = order.SelectMany(row => cells.Skip(row * Columns).Take(Columns)).ToArray();
        x.Clear();
        cells.Clear();
        x.AddRange(sortedX);
        cells.AddRange(sortedCells);
    }

    byte[] Encode(bool anew)
    {
        var rows = x.Count;
        var columns = Columns;
        var message = new byte[16 + (rows * sizeof(double)) + (rows * columns * sizeof(float))];
        BinaryPrimitives.WriteInt32LittleEndian(message, anew ? 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), columns);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(8), rows);
        CollectionsMarshal.AsSpan(x).CopyTo(MemoryMarshal.Cast<byte, double>(message.AsSpan(16, rows * sizeof(double))));
        var column = MemoryMarshal.Cast<byte, float>(message.AsSpan(16 + (rows * sizeof(double))));
        for (var c = 0; c < columns; c++)
            for (var row = 0; row < rows; row++) column[(c * rows) + row] = cells[(row * columns) + c];
        return message;
    }
}
