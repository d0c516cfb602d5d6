using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Now;

/// <summary>What to do when there is no run yet: connect a trainer, then start a run.</summary>
public sealed partial class FirstSteps
{
    [Inject]
    public required TrainerPresence Presence { get; set; }

    [Inject]
    public required NavigationManager Navigation { get; set; }

    IReadOnlyList<Trainer> Trainers => [.. Presence.All.Where(trainer => trainer.Connection is not null)];

    string Address => Navigation.BaseUri.TrimEnd('/');

    protected override void OnInitialized() => Listen(Presence.Viewers);
}
