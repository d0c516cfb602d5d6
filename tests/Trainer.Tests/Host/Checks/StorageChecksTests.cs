using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Host.Checks;

public sealed class StorageChecksTests
{
    const long GiB = 1L << 30;

    static readonly PlaceReading Good = new("/data", true, null, new DiskReading("/data", "data", 1000 * GiB, 500 * GiB, 1_000_000, 900_000), "ext4", false);

    [Fact]
    public void A_good_folder_is_ok_four_times() => Assert.Equal("data-folder ok, data-space ok, data-inodes ok, data-disk ok", Judge(Good));

    [Fact]
    public void A_folder_that_refuses_is_a_fail_with_the_systems_own_reason()
    {
        var check = StorageChecks.JudgeData(Good with { Refused = "Read-only file system" }).First();
        Assert.Equal((CheckState.Fail, "/data: Read-only file system"), (check.State, check.Found));
        Assert.Contains("remount,rw", check.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_and_inodes_are_judged_apart()
    {
        Assert.Contains("data-space warning, data-inodes ok", Judge(Good with { Disk = Good.Disk with { FreeBytes = GiB } }), StringComparison.Ordinal);
        Assert.Contains("data-space ok, data-inodes warning", Judge(Good with { Disk = Good.Disk with { FreeInodes = 0 } }), StringComparison.Ordinal);
        Assert.Contains("data-space unknown, data-inodes ok", Judge(Good with { Disk = new DiskReading("/data", "data", null, null, null, null) }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tmpfs", "warning")]
    [InlineData("overlay", "warning")]
    [InlineData("nfs4", "warning")]
    [InlineData("fuse.sshfs", "warning")]
    [InlineData("xfs", "ok")]
    [InlineData("unknown", "unknown")]
    public void What_outlives_a_reboot_or_a_container_is_told_by_the_file_system(string fileSystem, string state) =>
        Assert.EndsWith("data-disk " + state, Judge(Good with { FileSystem = fileSystem }), StringComparison.Ordinal);

    [Theory]
    [InlineData(true, false, CheckState.Warning)]
    [InlineData(true, true, CheckState.Ok)]
    [InlineData(false, false, CheckState.Ok)]
    [InlineData(null, false, CheckState.Ok)]
    public void Small_files_on_a_disk_with_heads_are_warned_of_and_a_pack_is_not(bool? rotational, bool packed, CheckState state)
    {
        var check = StorageChecks.JudgeFeatures(Good with { IsRotational = rotational }, packed).Last();
        Assert.Equal(("features-disk", state), (check.Id, check.State));
        if (state != CheckState.Ok) Assert.Contains("./mcn data pack", check.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, CheckState.Ok)]
    [InlineData(15, CheckState.Warning)] // not for all that are kept: 4 + 1 of 3 GiB and 1 GiB
    [InlineData(3, CheckState.Fail)] // not for one
    public void Room_for_checkpoints_is_reckoned_with_the_one_being_written_and_the_reserve(int free, CheckState state)
    {
        var check = StorageChecks.JudgeRoom(free * GiB, 3 * GiB, kept: 4, reserve: GiB);
        Assert.Equal(state, check.State);
        Assert.Contains("16 GiB in all", check.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void Looking_at_a_folder_leaves_nothing_in_it_and_makes_none()
    {
        using var folder = new TempFolder();
        var place = PlaceLook.ToWrite(folder.File("not/yet"));
        Assert.Equal((false, null), (place.Exists, place.Refused));
        Assert.True(place.Disk.FreeBytes > 0);
        Assert.Null(PlaceLook.ToWrite(folder.Path).Refused);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_file_in_the_folders_place_and_a_place_where_nothing_can_be_made_refuse()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("file"), "");
        Assert.EndsWith("is a file", PlaceLook.ToWrite(folder.File("file")).Refused, StringComparison.Ordinal);
        Assert.EndsWith("is a file", PlaceLook.ToWrite(folder.File("file/below")).Refused, StringComparison.Ordinal);
        Assert.NotNull(PlaceLook.ToWrite("/proc/mcn").Refused);
        Assert.NotNull(PlaceLook.ToRead(folder.File("nothing")).Refused);
    }

    static string Judge(PlaceReading place)
    {
        var checks = StorageChecks.JudgeData(place).ToList();
        Assert.All(checks, check => Assert.Equal(check.State == CheckState.Ok, check.Remedy.Length == 0));
        return string.Join(", ", checks.Select(check => $"{check.Id} {check.State.ToString().ToLowerInvariant()}"));
    }
}
