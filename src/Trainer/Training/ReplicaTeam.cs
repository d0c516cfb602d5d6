using System.Collections.Concurrent;
using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Recording;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// All replicas of a run: rank 0 on the caller's thread, every other one on a thread of its own that lives as long as the team. Each
/// encodes its BatchNorm groups; the loss over all clips, queue and clusters are computed on rank 0; gradients meet in the
/// <see cref="GradientExchange"/>. Nothing in the numbers depends on the number of ranks. Statistics of batch normalisation, evaluation
/// and checkpoints are rank 0's.
/// </summary>
public sealed class ReplicaTeam : IDisposable
{
    static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(30);

    readonly GpuRank[] ranks;
    readonly GradientExchange exchange;
    readonly McnObjective objective;
    readonly ClipGroups groups;
    readonly int[] owners;
    readonly Adam[] optimizers;
    readonly BlockingCollection<ReplicaStep>[] orders;
    readonly Thread[] followers;
    bool started;

    /// <param name="wordVectors">(vocabulary, we_dim), row 0 zero.</param>
    /// <param name="initialRows">Draws the first centroids.</param>
    /// <param name="lanes">Where the phases of a step are marked, one a rank; empty: nowhere.</param>
    /// <param name="patience">The longest that ranks wait for one another.</param>
    public ReplicaTeam(RunConfig config, float[] wordVectors, InitialRows initialRows, IReadOnlyList<RecorderLane>? lanes = null, TimeSpan? patience = null)
    {
        Config = config;
        groups = ClipGroups.Of(config);
        GroupsHeld = Math.Clamp(config.Optimizer.MicroBatch / groups.Size, 1, groups.Count);
        var devices = config.Devices.Select(name => torch.device(name)).ToArray();
        exchange = new GradientExchange(devices, patience);
        ranks = [.. devices.Select((device, index) => new GpuRank(config, device, wordVectors, lanes?.ElementAtOrDefault(index)))];
        Initialisation.Apply(Lead.Network, config.Seed);
        owners = GradientExchange.Owners([.. Lead.Parameters.Select(parameter => parameter.Value.NumberOfElements)], ranks.Length);
        optimizers = [.. ranks.Select((rank, index) => new Adam(rank.Parameters.Where((_, parameter) => owners[parameter] == index), config.Optimizer))];
        Moments = [.. Lead.Parameters.Select((parameter, i) => optimizers[owners[i]].Moments.Single(moment => moment.Name == parameter.Name))];
        Clusters = config.Objective.Kmeans ? new OnlineClusters(config, Lead.Device, initialRows) : null;
        objective = new McnObjective(config, Clusters);
        orders = [.. ranks.Skip(1).Select(_ => new BlockingCollection<ReplicaStep>())];
        followers = [.. orders.Select((order, index) => new Thread(() => Follow(index + 1, order)) { Name = $"rank {index + 1}", IsBackground = true })];
    }

    public RunConfig Config { get; }

    /// <summary>BatchNorm groups whose graph a rank holds at a time; fewer need less memory and more time, and give the same numbers.</summary>
    internal int GroupsHeld { get; private set; }

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
    public StepOutcome Step(Batch batch, double learningRate, bool read)
    {
        if (!started) Start();
        var step = new ReplicaStep(batch, learningRate, read, Lead.Lane?.Step ?? 0, ranks.Length);
        foreach (var order in orders) order.Add(step);
        return Run(0, step);
    }

    /// <summary>The replicas take over rank 0's weights, whatever they came from: initialisation, a file, a checkpoint.</summary>
    void Start()
    {
        using var noGrad = no_grad();
        foreach (var rank in ranks.Skip(1))
            for (var i = 0; i < owners.Length; i++) rank.Parameters[i].Value.copy_(Lead.Parameters[i].Value);
        foreach (var follower in followers) follower.Start();
        started = true;
    }

    void Follow(int rank, BlockingCollection<ReplicaStep> order)
    {
        try
        {
            foreach (var step in order.GetConsumingEnumerable())
            {
                if (ranks[rank].Lane is { } lane) lane.Step = step.Number;
                Run(rank, step);
                ranks[rank].Lane?.Mark(RecorderPhase.StepDone);
            }
        }
        catch (Exception error)
        {
            exchange.Fail(rank, error); // rank 0 learns of it at the next meeting
        }
    }

    StepOutcome Run(int index, ReplicaStep step)
    {
        using var scope = NewDisposeScope();
        try
        {
            return Run(index, step, Stopwatch.GetTimestamp());
        }
        catch (Exception error)
        {
            exchange.Fail(index, error);
            exchange.AwaitOthers(index); // they may be reading what the scope is about to free
            throw;
        }
    }

    StepOutcome Run(int index, ReplicaStep step, long began)
    {
        var rank = ranks[index];
        rank.Lane?.Mark(RecorderPhase.Forward);
        var pass = new GroupPass(rank, step.Clips, groups, groups.OfRank(index, ranks.Length), GroupsHeld);
        step.Embeddings[index] = pass.Encode();
        var encoded = Stopwatch.GetTimestamp();
        var copied = pass.Copying;
        exchange.Meet(index, "embeddings");
        rank.Lane?.Mark(RecorderPhase.Backward);
        if (index == 0) step.Differentiate(objective, Lead.Device);
        exchange.Meet(index, "the loss");
        step.Reconstruction[index] = pass.Backward(objective, step.Gradients!);
        step.Sums[index] = pass.Sum?.Parts ?? [];
        exchange.Meet(index, "gradients");
        if (pass.Sum is not null) CollectOwned(index, step);
        var differentiated = Stopwatch.GetTimestamp();
        rank.Lane?.Mark(RecorderPhase.Update);
        optimizers[index].Step(step.LearningRate);
        var loss = index == 0 && step.Read ? LossValues.From(step.Loss(Lead.Device)) : null; // sync
        exchange.Meet(index, "weights");
        if (ranks.Length > 1) CopyOthers(index);
        return new StepOutcome(
            loss,
            pass.Copying,
            Stopwatch.GetElapsedTime(began, encoded) - copied,
            Stopwatch.GetElapsedTime(encoded, differentiated) - (pass.Copying - copied),
            Stopwatch.GetElapsedTime(differentiated));
    }

    void CollectOwned(int rank, ReplicaStep step)
    {
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
        var home = followers.Select(follower => !started || follower.Join(LongestFarewell)).ToArray();
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
