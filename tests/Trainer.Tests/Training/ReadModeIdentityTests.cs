using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class ReadModeIdentityTests
{
    [Fact]
    public void Auto_is_decided_where_a_run_begins_and_a_resume_on_another_disk_keeps_the_order()
    {
        using var run = new SmallRun();
        using var packs = new PackedSet(run.Set.Config);
        var pack = packs.Pack(PackEncoding.Fp16).Data;
        run.Config = run.Config with
        {
            Data = run.Config.Data with { Shards = pack.Shards, TrainCsv = "", FeaturesPath = "", FeaturesPathAudio = "", CaptionPath = "", ReadMode = ReadModes.Auto, ShuffleWindowBytes = 130_000 },
        };
        var here = ReadModes.Of(run.Config.Data).Mode;
        run.Train(steps: 1);
        Assert.Equal(here, RunCatalog.Read(run.Folder).ReadMode);

        // The other kind of disk, on which the run began: what is trained until now is not of that order, so it begins again.
        var other = here == ReadModes.Random ? ReadModes.Sequential : ReadModes.Random;
        Directory.Delete(run.Folder.Path, recursive: true);
        RunCatalog.Write(run.Create(), RunCatalog.Read(run.Folder) with { ReadMode = other });
        foreach (var steps in new[] { 2, 4 })
        {
            var (_, records) = run.Train(steps);
            var shards = records.OfType<RunStarted>().Single().Shards!;
            Assert.Equal((other, "auto chose it where the run began"), (shards.Mode, shards.Because));
            Assert.Equal(other, RunCatalog.Read(run.Folder).ReadMode);
        }
    }
}
