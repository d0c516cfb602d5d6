using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.SignalR.Client;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The dashboard's hub over one connection. A call that is not answered in time fails: the connection is given up then.</summary>
sealed class HubProxy(HubConnection connection, TimeProvider time) : ITrainerHub
{
    static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(30);

    public Task<Welcome> Hello(Hello hello) => connection.InvokeAsync<Welcome>(nameof(Hello), hello).WaitAsync(LongestCall, time);

    public Task IntroduceRun(RunIntroduction run) => connection.InvokeAsync(nameof(IntroduceRun), run).WaitAsync(LongestCall, time);

    public Task<long> Store(TelemetryBundle bundle) => connection.InvokeAsync<long>(nameof(Store), bundle).WaitAsync(LongestCall, time);

    public Task Beat(Heartbeat heartbeat) => connection.InvokeAsync(nameof(Beat), heartbeat).WaitAsync(LongestCall, time);
}
