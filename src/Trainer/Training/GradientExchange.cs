using System.Diagnostics;
using System.Globalization;
using Mcn.Web.Trainer.Recording;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Where ranks meet: embeddings, gradients and weights pass between their threads here, read straight from each other's device. Each
/// parameter has one owner, which sums its gradient in the order of the groups, holds its moments and updates it (ZeRO-1; Rajbhandari
/// et al. 2020); the others copy the result. A rank that fails or does not come poisons the exchange: every other one leaves at its next
/// meeting, or out of the one that it waits in, and is told which rank it was.
/// </summary>
public sealed class GradientExchange
{
    /// <summary>The longest that ranks wait for one another; they differ by one group's time at most.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromMinutes(10);

    static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    readonly object gate = new();
    readonly Device[] devices;
    readonly TimeSpan patience;
    readonly IReadOnlyList<RecorderLane>? lanes;
    readonly long[] meetings;
    readonly long[] objections = new long[2];
    readonly bool[] gone;
    readonly TimeSpan[] waited;
    volatile RankFailedException? poison;

    /// <param name="lanes">Where those who wait are marked, one a rank; empty: nowhere.</param>
    public GradientExchange(IReadOnlyList<Device> devices, TimeSpan? patience = null, IReadOnlyList<RecorderLane>? lanes = null)
    {
        this.devices = [.. devices];
        this.lanes = lanes;
        this.patience = patience ?? DefaultPatience;
        meetings = new long[devices.Count];
        gone = new bool[devices.Count];
        waited = new TimeSpan[devices.Count];
    }

    /// <summary>The default, or MCN_EXCHANGE_SECONDS for drills.</summary>
    public static TimeSpan PatienceFromEnvironment() =>
        double.TryParse(Environment.GetEnvironmentVariable("MCN_EXCHANGE_SECONDS"), CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : DefaultPatience;

    /// <summary>The first failure; null: none.</summary>
    public RankFailedException? Failure => poison;

    /// <summary>How long each rank has waited for the others so far: the one with least is the one that they wait for.</summary>
    public IReadOnlyList<TimeSpan> Waited
    {
        get
        {
            lock (gate) return [.. waited];
        }
    }

    /// <summary>Waits until every rank is here. What one has written before, the others may read after.</summary>
    /// <param name="purpose">What they meet for, for the message.</param>
    /// <exception cref="RankFailedException">Some rank failed, or did not come in time.</exception>
    public void Meet(int rank, string purpose) => Agree(rank, purpose, fine: true);

    /// <summary>Meets, and tells whether all ranks were fine with what lies behind them: every rank gets the same answer.</summary>
    public bool Agree(int rank, string purpose, bool fine)
    {
        if (devices.Length == 1) return fine;
        // The others read from this device on queues of their own: what was asked of it must be done.
        if (devices[rank].type == DeviceType.CUDA) cuda.synchronize(devices[rank]);
        lock (gate)
        {
            ThrowIfPoisoned();
            var mine = ++meetings[rank];
            // No rank is more than one meeting ahead of another, so two marks are enough.
            if (!fine) objections[mine % 2] = mine;
            Monitor.PulseAll(gate);
            if (meetings.All(count => count >= mine)) return objections[mine % 2] != mine;
            var lane = lanes?.ElementAtOrDefault(rank);
            var phase = lane?.Phase ?? default;
            var began = Stopwatch.GetTimestamp();
            for (; meetings.Any(count => count < mine); ThrowIfPoisoned())
            {
                // Those who wait go on marking: the lane that stands still is that of the one that is stuck.
                lane?.Mark(RecorderPhase.Exchange);
                var left = patience - Stopwatch.GetElapsedTime(began);
                if (left > TimeSpan.Zero) Monitor.Wait(gate, left < Beat ? left : Beat);
                else Poison(new RankFailedException($"{Names(mine)} did not come to the exchange of {purpose} within {patience.TotalSeconds:0.#} s", null));
            }

            waited[rank] += Stopwatch.GetElapsedTime(began);
            lane?.Mark(phase);
            return objections[mine % 2] != mine;
        }
    }

    /// <summary>A rank gives up: all others are told. The first failure is the one that is told.</summary>
    public void Fail(int rank, Exception error)
    {
        lock (gate) Poison(new RankFailedException($"{Name(rank)} failed: {error.Message}", error));
    }

    /// <summary>After a failure: waits, but not long, until the others have left the step too; one that is stuck reads nothing.</summary>
    public void AwaitOthers(int rank)
    {
        lock (gate)
        {
            gone[rank] = true;
            Monitor.PulseAll(gate);
            for (var began = Stopwatch.GetTimestamp(); gone.Contains(false) && LongestFarewell - Stopwatch.GetElapsedTime(began) is var left && left > TimeSpan.Zero;)
                Monitor.Wait(gate, left);
        }
    }

    /// <summary>The gradient of one parameter over all groups, on its owner's device; null: it has none.</summary>
    /// <param name="parts">Of each rank, in the ranks' order.</param>
    internal static Tensor? Sum(IEnumerable<IReadOnlyList<GradientSum.Part>> parts, int parameter, Device device)
    {
        var total = new GradientSum();
        foreach (var part in parts.SelectMany(part => part))
            total.Add(new GradientSum.Part(part.First, part.Groups, [part.Gradients[parameter]?.to(device)]));
        return total.Total()[0];
    }

    /// <summary>The owner of each parameter: the largest first, each to the rank with the least so far. Whole parameters, so that the update is the same kernel call on the same memory layout whoever makes it.</summary>
    public static int[] Owners(IReadOnlyList<long> elements, int ranks)
    {
        var load = new long[ranks];
        var owners = new int[elements.Count];
        foreach (var parameter in Enumerable.Range(0, elements.Count).OrderByDescending(i => elements[i]))
        {
            var least = Array.IndexOf(load, load.Min());
            owners[parameter] = least;
            load[least] += elements[parameter];
        }

        return owners;
    }

    void Poison(RankFailedException failure)
    {
        poison ??= failure;
        Monitor.PulseAll(gate);
    }

    /// <summary>Throws when some rank has failed: a new exception for each thread, because a thrown one belongs to the stack it was thrown on.</summary>
    /// <exception cref="RankFailedException">It names the rank.</exception>
    public void ThrowIfPoisoned()
    {
        if (poison is not null) throw new RankFailedException(poison.Message, poison.InnerException);
    }

    string Names(long meeting) => string.Join(", ", Enumerable.Range(0, devices.Length).Where(rank => meetings[rank] < meeting).Select(Name));

    string Name(int rank) => Name(devices[rank].ToString(), rank);

    /// <summary>`rank 1 (cuda:1)`: what people know a replica by, in messages, in the recorder and on the page.</summary>
    public static string Name(string device, int rank) => $"rank {rank} ({device})";
}

/// <summary>A rank failed or is stuck; the message names it.</summary>
public sealed class RankFailedException(string message, Exception? cause) : Exception(message, cause);
