using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Microsoft.Extensions.Time.Testing;

namespace Mcn.Web.Trainer.Tests.Supervisor;

public sealed class SinkAlarmTests
{
    [Fact]
    public void A_failing_sink_is_told_once_and_taken_back_when_it_has_long_been_quiet()
    {
        using var temp = new TempFolder();
        var time = new FakeTimeProvider();
        var folder = new TrainerFolder(temp.Path);
        using (var ledger = new Ledger(folder, time))
        using (var alarm = new SinkAlarm(ledger, time))
        {
            alarm.Take("Received failed HTTP shipping result ServiceUnavailable\nmore");
            time.Advance(SinkAlarm.Quiet - TimeSpan.FromSeconds(1));
            alarm.Take("again");
            time.Advance(SinkAlarm.Quiet - TimeSpan.FromSeconds(1)); // counted from the newest failure
            time.Advance(TimeSpan.FromSeconds(1));
            alarm.Take("a second trouble");
            alarm.Dispose();
            alarm.Take("the farewell of a sink");
        }

        var told = Directory.GetFiles(folder.Journal).SelectMany(JournalReader.Read).OfType<Alert>().Select(alert => (alert.Code, alert.Text));
        Assert.Equal(
            [("log_sink_failed", "Received failed HTTP shipping result ServiceUnavailable"), ("log_sink_failed_cleared", "the logs are written again"), ("log_sink_failed", "a second trouble")],
            told);
    }
}
