using System.Collections.Concurrent;
using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Recording;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// All replicas of a run: rank 0 on the caller's thread, every other one on a thread of its own that lives as long as the team. Each
/// encodes its BatchNorm groups and computes its rows of the contrasts; queue and clusters are rank 0's; gradients meet in the
/// <see cref="GradientExchange"/>. Nothing in the numbers depends on the number of ranks. Statistics of batch normalisation, evaluation
/// and checkpoints are rank 0's.
/// </summary>
public sealed class ReplicaTeam : IDisposable
{
    static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(30);
    static readonly TimeSpan LongestFarewellOfStuck = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    readonly GpuRank[] ranks;
    readonly GradientExchange exchange;
    readonly McnObjective objective;
    readonly ClipGroups groups;
    readonly int[] owners;
    readonly Adam[] optimizers;
    readonly BlockingCollection<ReplicaStep>[] orders;
    readonly Thread[] followers;
    readonly string[] names;

    /// <param name="wordVectors">(vocabulary, we_dim), row 0 zero.</param>
    /// <param name="initialRows">Draws the first centroids.</param>
    /// <param name="lanes">Where the phases of a step are marked, one a rank; empty: nowhere.</param>
    /// <param name="patience">The longest that ranks wait for one another.</param>
    public ReplicaTeam(RunConfig config, float[] wordVectors, InitialRows initialRows, IReadOnlyList<RecorderLane>? lanes = null, TimeSpan? patience = null)
    {
        Config = config;
        UseThreads(); // the caller is rank 0
        groups = ClipGroups.Of(config);
        GroupsHeld = Math.Clamp(config.Optimizer.MicroBatch / groups.Size, 1, groups.Count);
        var devices = TorchDevices.Open(config);
        exchange = new GradientExchange(devices, patience, lanes);
        names = [.. devices.Select((_, index) => $"rank {index}")];
        ranks = [.. devices.Select((device, index) => new GpuRank(config, device, wordVectors, lanes?.ElementAtOrDefault(index)))];
        Initialisation.Apply(Lead.Network, config.Seed);
        owners = GradientExchange.Owners([.. Lead.Parameters.Select(parameter => parameter.Value.NumberOfElements)], ranks.Length);
        optimizers = [.. ranks.Select((rank, index) => new Adam(rank.Parameters.Where((_, parameter) => owners[parameter] == index), config.Optimizer))];
        Moments = [.. Lead.Parameters.Select((parameter, i) => optimizers[owners[i]].Moments.Single(moment => moment.Name == parameter.Name))];
        Clusters = config.Objective.Kmeans ? new OnlineClusters(config, devices, initialRows) : null;
        objective = new McnObjective(config, Clusters);
        orders = [.. ranks.Skip(1).Select(_ => new BlockingCollection<ReplicaStep>())];
        followers = [.. orders.Select((order, index) => new Thread(() => Follow(index + 1, order)) { Name = names[index + 1], IsBackground = true })];
        foreach (var follower in followers) follower.Start();
    }

    public RunConfig Config { get; }

    /// <summary>BatchNorm groups whose graph a rank holds at a time; fewer need less memory and more time, and give the same numbers.</summary>
    internal int GroupsHeld { get; private set; }

    /// <summary>Clips whose graph a rank holds at a time, at most.</summary>
    public int ClipsHeld => Math.Min(GroupsHeld, LargestShare) * groups.Size;

    /// <summary>Times that a step was begun anew with fewer graphs, because memory ran short.</summary>
    public int Redone { get; private set; }

    /// <summary>How long each rank has waited for the others so far.</summary>
    public IReadOnlyList<TimeSpan> Waited => exchange.Waited;

    /// <summary>Called by each rank before each part of a step; tests make memory run short there.</summary>
    internal Action<int, string>? Drill { get; set; }

    /// <summary>Groups of the rank with most.</summary>
    int LargestShare => (groups.Count + ranks.Length - 1) / ranks.Length;

    /// <summary>Rank 0.</summary>
    public GpuRank Lead => ranks[0];

    /// <summary>Why the team is of no use any more; null: it is.</summary>
    public RankFailedException? Failure => exchange.Failure;

    public OnlineClusters? Clusters { get; }

    /// <summary>Adam's state of every parameter, in the network's order, each on its owner's device: the same for any number of ranks.</summary>
    public IReadOnlyList<Adam.Moment> Moments { get; }

    /// <summary>Updates made.</summary>
    public long AdamSteps
    {
        get => optimizers[0].StepsTaken;
        set
        {
            foreach (var optimizer in optimizers) optimizer.StepsTaken = value;
        }
    }

    /// <summary>One optimisation step of all replicas.</summary>
    /// <param name="batch">Host buffers; free again when the call returns.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="read">Whether to read the loss back: a synchronisation with the device.</param>
    /// <exception cref="RankFailedException">Another rank failed or is stuck; the team is of no use any more.</exception>
    /// <exception cref="Shared.UserError">The memory does not suffice for one BatchNorm group; everything is as before the step.</exception>
    public StepOutcome Step(Batch batch, double learningRate, bool read)
    {
        var step = new ReplicaStep(batch, learningRate, read, Lead.Lane?.Step ?? 0, ranks.Length) { GroupsHeld = GroupsHeld, GradientNorms = new double[owners.Length] };
        foreach (var order in orders) order.Add(step);
        var outcome = Run(0, step);
        if (step.Shortages is { Count: > 0 } shortages)
        {
            Redone += shortages.Count;
            if (outcome is null) throw shortages[^1].AtTheFloor(Config);
        }

        return outcome! with { Shortages = step.Shortages };
    }

    /// <summary>
    /// OpenMP's number of threads belongs to the calling thread and decides how a kernel splits its sums: every rank sets the same one, or its
    /// last bits would be those of whatever ran on the thread before.
    /// </summary>
    void UseThreads() => torch.set_num_threads(Config.OperationThreads);

    void Follow(int rank, BlockingCollection<ReplicaStep> order)
    {
        UseThreads();
        try
        {
            for (var first = true; Next(order, ranks[rank].Lane) is { } step; first = false)
            {
                if (first) CopyLead(rank); // what rank 0 has now, whatever it came from: initialisation, a file, a checkpoint
                var lane = ranks[rank].Lane;
                lane?.Begin(step.Number, step.Epoch, step.VideosOf(groups, groups.OfRank(rank, ranks.Length)));
                Run(rank, step);
                lane?.Begin(step.Number + 1, step.Epoch, []);
                lane?.Mark(RecorderPhase.StepDone);
            }
        }
        catch (Exception error)
        {
            exchange.Fail(rank, error); // rank 0 learns of it at the next meeting
        }
    }

    /// <summary>The next step; null: there is none any more. Meanwhile the lane shows what rank 0 is at: a hold or an evaluation is no hang.</summary>
    ReplicaStep? Next(BlockingCollection<ReplicaStep> order, RecorderLane? lane)
    {
        while (!order.IsCompleted)
        {
            if (order.TryTake(out var step, Beat)) return step;
            if (Lead.Lane is { } lead) lane?.Mark(lead.Phase);
        }

        return null;
    }

    void CopyLead(int rank)
    {
        using var noGrad = no_grad();
        for (var i = 0; i < owners.Length; i++) ranks[rank].Parameters[i].Value.copy_(Lead.Parameters[i].Value);
    }

    StepOutcome? Run(int index, ReplicaStep step)
    {
        using var scope = NewDisposeScope();
        try
        {
            var began = Stopwatch.GetTimestamp();
            var undo = index == 0 ? Lead.Network.RememberStatistics() : null;
            for (var held = Math.Min(step.GroupsHeld, LargestShare); ; held /= 2)
            {
                if (Try(index, step, held, began) is { } outcome) return outcome;
                undo?.Invoke();
                if (index == 0) Clusters?.Drop();
                if (index == 0 && held > 1) GroupsHeld = held / 2;
                if (held == 1) return null;
            }
        }
        catch (Exception error)
        {
            exchange.Fail(index, error);
            exchange.AwaitOthers(index); // they may be reading what the scope is about to free
            if (ranks.Length > 1 && error is not Shared.UserError) exchange.ThrowIfPoisoned(); // rank 0's own failure names its rank, as those of the others do
            throw;
        }
    }

    /// <summary>
    /// The step with so many graphs held. What may run short of memory comes first, and after each part all ranks agree that none did;
    /// from the optimizer on nothing is taken back, and nothing large is allocated.
    /// </summary>
    /// <returns>Null: some rank ran short, all have left, and no gradient remains.</returns>
    StepOutcome? Try(int index, ReplicaStep step, int held, long began)
    {
        using var attempt = NewDisposeScope();
        var rank = ranks[index];
        bool AllDid(string part, Action work)
        {
            var ranShort = false;
            try
            {
                Drill?.Invoke(index, part);
                work();
                if (step.Read) rank.Finish(); // sync: or its time would count to the part after it
            }
            catch (Exception error) when (AllocationFailure.Of(error) is { } kind)
            {
                ranShort = true;
                step.RanShort(new Shortage(kind, $"{names[index]} ({rank.Device})", held * groups.Size, error));
            }

            if (exchange.Agree(index, part, !ranShort)) return true;
            foreach (var (_, parameter) in rank.Parameters) parameter.grad = null;
            Tape.FreeLeft();
            return false;
        }

        rank.Lane?.Mark(RecorderPhase.Forward);
        var pass = new GroupPass(rank, step.Clips, groups, groups.OfRank(index, ranks.Length), held);
        if (!AllDid("embeddings", () =>
        {
            step.Embeddings[index] = pass.Encode();
            FaultPoint.Reached(names[index]);
        })) return null;
        var encoded = Stopwatch.GetTimestamp();
        var copied = pass.Copying;
        rank.Lane?.Mark(RecorderPhase.Backward);
        ContrastShare? contrast = null;
        if (!AllDid("the loss", () => contrast = step.Contrast(index, objective, rank.Device, groups))) return null;
        EmbeddingGradients? gradients = null;
        if (!AllDid("gradients of embeddings", () => gradients = step.Gradients(index, contrast!, rank.Device, groups))) return null;
        step.LeaveLoss(index);
        if (!AllDid("gradients", () =>
        {
            step.Reconstruction[index] = pass.Backward(objective, gradients!);
            step.Sums[index] = pass.Sum?.Parts ?? [];
            step.Copying[index] = (copied, pass.Copying);
        })) return null;
        var differentiated = Stopwatch.GetTimestamp();
        if (pass.Sum is not null && !AllDid("sums of gradients", () => CollectOwned(index, step))) return null;
        var summed = Stopwatch.GetTimestamp();
        if (step.Read) step.MeasureGradients(rank, index, owners); // sync
        rank.Lane?.Mark(RecorderPhase.Update);
        optimizers[index].Step(step.LearningRate);
        if (index == 0) Clusters?.Keep();
        var loss = index == 0 && step.Read ? LossValues.From(step.Loss(Lead.Device)) : null; // sync
        exchange.Meet(index, "weights");
        var updated = Stopwatch.GetTimestamp();
        if (ranks.Length > 1) CopyOthers(index);
        if (step.Read) rank.Finish(); // sync
        return new StepTimes(began, encoded, differentiated, summed, updated, Stopwatch.GetTimestamp()).Outcome(step, loss, alone: ranks.Length == 1);
    }

    void CollectOwned(int rank, ReplicaStep step)
    {
        if (ranks.Length > 1) ranks[rank].Lane?.Mark(RecorderPhase.Exchange);
        for (var i = 0; i < owners.Length; i++)
            if (owners[i] == rank) ranks[rank].Parameters[i].Value.grad = GradientExchange.Sum(step.Sums, i, ranks[rank].Device);
    }

    void CopyOthers(int rank)
    {
        ranks[rank].Lane?.Mark(RecorderPhase.Exchange);
        using var noGrad = no_grad();
        for (var i = 0; i < owners.Length; i++)
            if (owners[i] != rank) ranks[rank].Parameters[i].Value.copy_(ranks[owners[i]].Parameters[i].Value);
    }

    /// <summary>Sends the replicas' threads home; one that is stuck keeps what it holds.</summary>
    public void Dispose()
    {
        foreach (var order in orders) order.CompleteAdding();
        var home = followers.Select(follower => follower.Join(Failure is null ? LongestFarewell : LongestFarewellOfStuck)).ToArray();
        Clusters?.Dispose();
        optimizers[0].Dispose();
        Lead.Dispose();
        for (var i = 0; i < home.Length; i++)
        {
            if (!home[i]) continue;
            optimizers[i + 1].Dispose();
            ranks[i + 1].Dispose();
            orders[i].Dispose();
        }
    }
}
