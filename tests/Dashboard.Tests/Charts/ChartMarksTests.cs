using Mcn.Web.Dashboard.Charts;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Tests.Charts;

public sealed class ChartMarksTests
{
    [Fact]
    public async Task What_people_and_processes_did_is_marked_where_it_happened_and_nothing_else()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var texts = dashboard.Get<IStringLocalizer<Words>>();
        var view = new RunView
        {
            Run = Records.Introduction("r"), Trainer = "t",
            Events =
            [
                Records.Started(0), Records.State(RunState.Running), new RunStateChanged { Time = Records.Begin.AddSeconds(30), State = RunState.Held, Step = 30 },
                new KnobChanged { Time = Records.Begin.AddSeconds(31), Step = 30, Name = LiveKnob.LearningRateScale, Before = 1, Value = 0.5 },
                new RunStateChanged { Time = Records.Begin.AddSeconds(32), State = RunState.Crashed, Step = null }, Records.Started(20, 33), Records.Ended("c", CommandVerb.Hold),
                new Alert { Time = Records.Begin.AddSeconds(34), Code = "micro_batch_halved", Text = "", Parameters = new Dictionary<string, string> { ["rank"] = "rank 2 (cuda:2)", ["clips_before"] = "512", ["clips"] = "256", ["step"] = "24" } },
                new Alert { Time = Records.Begin.AddSeconds(35), Code = "disk_filling", Text = "" },
            ],
        };
        Assert.Equal([(30, "‖"), (30, "×0.5"), (20, "▸"), (24, "½")], ChartMarks.Of(texts, view, bySteps: true).Select(mark => ((int)mark.X, mark.Sign))); // nobody knows at which step it died
        var byTime = ChartMarks.Of(texts, view, bySteps: false);
        Assert.Equal(["‖", "×0.5", "✕", "▸", "½"], byTime.Select(mark => mark.Sign));
        Assert.Equal(Records.Begin.AddSeconds(31).ToUnixTimeSeconds(), byTime[1].X);
        Assert.Contains("1 → 0.5", byTime[1].Text, StringComparison.Ordinal);
        Assert.Contains("rank 2 (cuda:2)", byTime[4].Text, StringComparison.Ordinal);
    }
}
