using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>Where trainers dial in, with an API key. Says nothing of its own: presence, store and catalog do the work.</summary>
[Authorize(Policy = Policies.Trainer)]
public sealed class TrainerHub(RunStore store, TrainerPresence presence, ILogger<TrainerHub> log) : Hub<ITrainerClient>, ITrainerHub
{
    const string TrainerItem = "trainer";
    const int LongestId = 200;

    public Task<Welcome> Hello(Hello hello)
    {
        if (hello.ProtocolVersion != ProtocolVersion.Wire)
        {
            return Task.FromResult(new Welcome(false,
                $"wire version {hello.ProtocolVersion}; this dashboard speaks {ProtocolVersion.Wire}. Update the older of the two programs", []));
        }

        if (hello.TrainerId is not { Length: > 0 and <= LongestId } || !presence.Arrived(hello, Context.ConnectionId))
            return Task.FromResult(new Welcome(false, "trainer id refused: empty, too long, or too many trainers", []));
        Context.Items[TrainerItem] = hello.TrainerId;
        log.LogInformation("Trainer {Trainer} ({Name}, {Version}) connected", hello.TrainerId, hello.Name, hello.ProgramVersion);
        return Task.FromResult(new Welcome(true, null, store.Cursors(hello.TrainerId)));
    }

    public async Task IntroduceRun(RunIntroduction run)
    {
        var trainer = Trainer();
        if (run.RunId is not { Length: > 0 and <= LongestId }) throw new HubException("run id refused: empty or too long");
        using var place = LogPlace.Enter(run.RunId);
        await store.IntroduceAsync(run, trainer);
        presence.Heard(trainer);
    }

    public async Task<long> Store(TelemetryBundle bundle)
    {
        var trainer = Trainer();
        using var place = LogPlace.Enter(bundle.Run, bundle.Incarnation);
        try
        {
            var cursor = await store.StoreAsync(bundle);
            presence.Heard(trainer);
            return cursor;
        }
        catch (ArgumentException error)
        {
            log.LogWarning("Bundle of {Stream} from {First} refused: {Reason}", bundle.Stream, bundle.FirstSequence, error.Message);
            // The sender cannot mend it by sending again: tell it why.
            throw new HubException(error.Message);
        }
    }

    public Task Beat(Heartbeat heartbeat)
    {
        presence.Heard(Trainer(), heartbeat);
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        if (Context.Items.TryGetValue(TrainerItem, out var trainer))
        {
            presence.Left((string)trainer!, Context.ConnectionId);
            log.LogInformation("Trainer {Trainer} disconnected {Reason}", trainer, exception?.Message ?? "");
        }

        return base.OnDisconnectedAsync(exception);
    }

    string Trainer() => Context.Items.TryGetValue(TrainerItem, out var trainer) ? (string)trainer! : throw new HubException("say Hello first");
}
