using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Tests.Training;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>Packing: what lies in a pack, and what is left after an accident.</summary>
public sealed class DataPackTests
{
    [Fact]
    public void A_stopped_pack_goes_on_behind_its_last_shard_and_ends_with_the_same_bytes()
    {
        using var set = new SmallSet(16);
        using var packs = new PackedSet(set.Config);
        packs.Make(PackedSet.Request(packs.PathOf("whole")));
        var whole = PackedSet.Files(packs.PathOf("whole"));
        Assert.DoesNotContain(whole.Keys, name => name.EndsWith(".tmp", StringComparison.Ordinal) || name.EndsWith(".lock", StringComparison.Ordinal));

        var request = PackedSet.Request(packs.PathOf("stopped"));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataPack.Run(set.Config, request, _ => { }, progress => { if (progress.Done >= 7) stop.Cancel(); }, stop.Token));
        var left = Directory.GetFiles(request.Folder).Select(Path.GetFileName).ToList();
        Assert.Contains("shard-000000.tar", left);
        Assert.DoesNotContain("manifest.json", left);
        Assert.DoesNotContain(left, name => name!.EndsWith(".tmp", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(request.Folder, "shard-000003.tar.tmp"), "as a kill leaves it");
        File.WriteAllText(Path.Combine(request.Folder, "shard-000003.tar"), "a shard without its index");

        var kept = 0;
        DataPack.Run(set.Config, request, _ => { }, progress => kept = progress.ShardsKept, CancellationToken.None);
        Assert.True(kept > 0);
        Assert.Equal(whole, PackedSet.Files(request.Folder));
    }

    [Fact]
    public void A_killed_process_leaves_no_half_shard_under_a_final_name_and_the_next_one_completes_it()
    {
        using var set = new SmallSet(240);
        using var packs = new PackedSet(set.Config);
        var config = packs.PathOf("config.json");
        Mcn.Web.Shared.Configuration.RunConfigFile.Write(config, set.Config with { Objective = set.Config.Objective with { Kmeans = false } });
        var trainer = Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll");
        string[] Command(string folder) => [trainer, "data", "pack", config, packs.PathOf(folder), "--shard-mb", "1", "--threads", "1"];
        Assert.Equal(0, Run(Command("whole"), null));

        var first = packs.PathOf("killed/shard-000000.index.json");
        Run(Command("killed"), process =>
        {
            var until = Stopwatch.StartNew();
            while (!File.Exists(first) && !process.HasExited && until.Elapsed < TimeSpan.FromSeconds(60)) Thread.Yield();
            process.Kill(); // SIGKILL
        });
        Assert.True(File.Exists(first));
        foreach (var tar in Directory.GetFiles(packs.PathOf("killed"), "*.tar"))
            Assert.Equal(File.ReadAllBytes(packs.PathOf("whole/" + Path.GetFileName(tar))), File.ReadAllBytes(tar));
        Assert.Equal(0, Run(Command("killed"), null));
        Assert.Equal(PackedSet.Files(packs.PathOf("whole")), PackedSet.Files(packs.PathOf("killed")));
    }

    [Fact]
    public void A_finished_pack_is_verified_and_a_damaged_shard_made_again()
    {
        using var set = new SmallSet(12);
        using var packs = new PackedSet(set.Config);
        var request = PackedSet.Request(packs.PathOf("pack"));
        packs.Make(request);
        var whole = PackedSet.Files(request.Folder);
        Flip(packs.PathOf("pack/shard-000001.tar"), 5000);
        var kept = 0;
        DataPack.Run(set.Config, request, _ => { }, progress => kept = progress.ShardsKept, CancellationToken.None);
        Assert.Equal(whole.Keys.Count(name => name.EndsWith(".tar", StringComparison.Ordinal)) - 1, kept);
        Assert.Equal(whole, PackedSet.Files(request.Folder));
    }

    [Fact]
    public void A_folder_with_another_pack_or_other_files_is_refused_and_left_as_it_is()
    {
        using var set = new SmallSet(4);
        using var packs = new PackedSet(set.Config);
        packs.Make(PackedSet.Request(packs.PathOf("pack")));
        var before = PackedSet.Files(packs.PathOf("pack"));
        Assert.Equal(3, Assert.Throws<UserError>(() => packs.Make(PackedSet.Request(packs.PathOf("pack"), PackEncoding.U8))).ExitCode);
        Assert.Equal(before, PackedSet.Files(packs.PathOf("pack")));
        Directory.CreateDirectory(packs.PathOf("photos"));
        File.WriteAllText(packs.PathOf("photos/cat.jpg"), "");
        Assert.Contains("cat.jpg", Assert.Throws<UserError>(() => packs.Make(PackedSet.Request(packs.PathOf("photos")))).Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(packs.PathOf("photos")));
        var file = Assert.Throws<UserError>(() => packs.Make(PackedSet.Request(packs.PathOf("photos/cat.jpg"))));
        Assert.Equal((3, $"{packs.PathOf("photos/cat.jpg")}: a file; expected a folder. Name a new or empty folder"), (file.ExitCode, file.Message));
    }

    [Fact]
    public void Without_the_space_nothing_is_begun_and_both_sizes_are_said()
    {
        using var disk = SmallDisk.Mount(1);
        using var set = new SmallSet(150); // about 2 MB
        using var packs = new PackedSet(set.Config);
        PackEstimate? told = null;
        var error = Assert.Throws<UserError>(() => DataPack.Run(set.Config, PackedSet.Request(Path.Combine(disk.Path, "pack")), estimate => told = estimate, _ => { }, CancellationToken.None));
        Assert.Equal(3, error.ExitCode);
        Assert.Contains("GB free", error.Message, StringComparison.Ordinal);
        Assert.InRange(told!.Bytes, 1_000_000, 6_000_000);
        Assert.False(Directory.Exists(Path.Combine(disk.Path, "pack")));
    }

    [Fact]
    public void A_disk_that_fills_up_ends_with_a_message_and_no_half_shard()
    {
        using var disk = SmallDisk.Mount(2);
        using var set = new SmallSet(90);
        using var packs = new PackedSet(set.Config);
        var folder = Path.Combine(disk.Path, "pack");
        void Fill(PackProgress progress)
        {
            if (progress.Done != 20) return;
            using var other = File.Create(Path.Combine(disk.Path, "other"));
            try
            {
                while (true) other.Write(new byte[4096]);
            }
            catch (IOException)
            {
                // Full, as intended.
            }
        }

        Assert.Contains("cannot be written", Assert.Throws<UserError>(() => DataPack.Run(set.Config, PackedSet.Request(folder), _ => { }, Fill, CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
        File.Delete(Path.Combine(disk.Path, "other"));
        packs.Make(PackedSet.Request(folder));
        packs.Make(PackedSet.Request(packs.PathOf("elsewhere")));
        Assert.Equal(PackedSet.Files(packs.PathOf("elsewhere")), PackedSet.Files(folder));
    }

    [Fact]
    public void A_torn_shard_is_refused_with_its_file_and_byte()
    {
        using var set = new SmallSet(6);
        using var packs = new PackedSet(set.Config);
        var packed = packs.Pack(PackEncoding.Fp16);
        var shard = packs.PathOf("Fp16/shard-000001.tar");
        var whole = File.ReadAllBytes(shard);
        File.WriteAllBytes(shard, whole[..7000]);
        var message = Assert.Throws<UserError>(() => TrainingData.Open(packed)).Message;
        Assert.Contains("shard-000001.tar: at byte 7000", message, StringComparison.Ordinal);
        Assert.Contains($"expected {whole.Length} bytes", message, StringComparison.Ordinal);

        File.WriteAllBytes(shard, whole);
        var open = TrainingData.Open(packed);
        File.WriteAllBytes(shard, whole[..1000]); // torn while it is read
        Assert.Contains("the shard ended here", Failure(open), StringComparison.Ordinal);

        File.WriteAllBytes(shard, whole);
        Flip(shard, 700); // in the first member
        message = Failure(TrainingData.Open(packed));
        Assert.Contains("shard-000001.tar: at byte", message, StringComparison.Ordinal);
        Assert.Contains("has checksum", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pack_that_is_not_finished_is_refused_with_what_to_do()
    {
        using var set = new SmallSet(3);
        using var packs = new PackedSet(set.Config);
        var packed = packs.Pack(PackEncoding.Fp16);
        File.Delete(packs.PathOf("Fp16/manifest.json"));
        Assert.Contains("run the same command again", Assert.Throws<UserError>(() => TrainingData.Open(packed)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_another_programs_manifest_is_no_damaged_pack()
    {
        using var temp = new TempFolder();
        File.WriteAllText(temp.File("manifest.json"), """{ "kind": "Mcn.Web sample set", "format_version": 1 }""");
        var error = Assert.Throws<UserError>(() => ShardStore.ReadManifest(temp.Path));
        Assert.Contains("expected a finished pack", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("delete", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PackEncoding.Fp16)]
    [InlineData(PackEncoding.PooledU8)]
    public void A_subset_fits_the_stated_size_and_uses_most_of_it(PackEncoding encoding)
    {
        using var set = new SmallSet(60);
        using var packs = new PackedSet(set.Config);
        const int most = 300_000;
        var request = PackedSet.Request(packs.PathOf("pack"), encoding) with { FitBytes = most, Captions = 4 };
        var manifest = packs.Make(request);
        var bytes = Directory.GetFiles(request.Folder).Sum(file => new FileInfo(file).Length);
        Assert.InRange(bytes, most / 2, most);
        Assert.InRange(manifest.Videos, 2, 59);
        Assert.Equal(manifest.Videos * 4, manifest.Captions);
        Assert.Equal(2, PackedSet.Batches(packs.Over(request.Folder), 2, 0, 0, 2).Count);
        var before = PackedSet.Files(request.Folder);
        packs.Make(request);
        Assert.Equal(before, PackedSet.Files(request.Folder)); // and ends there again
    }

    [Fact]
    public void The_first_captions_of_chosen_videos_give_the_batches_of_such_a_set()
    {
        using var set = new SmallSet(8);
        File.WriteAllText(set.PathOf("chosen.csv"), "path\na/v6\na/v1\na/v2\n");
        using var packs = new PackedSet(set.Config);
        var request = PackedSet.Request(packs.PathOf("pack")) with { Videos = set.PathOf("chosen.csv"), Captions = 3 };
        packs.Make(request);
        var smallest = new FileInfo(packs.PathOf("pack/shard-000000.tar")).Length;
        Assert.Equal(2, packs.Make(PackedSet.Request(packs.PathOf("two")) with { Videos = "2" }).Videos);

        // The same by hand: a list of three, captions cut to three.
        File.WriteAllText(set.PathOf("videos.csv"), "path\na/v1\na/v2\na/v6\n");
        foreach (var video in (string[])["v1", "v2", "v6"])
        {
            var entry = (Dictionary<object, object?>)set.Captions[video]!;
            foreach (var key in entry.Keys.ToList()) entry[key] = ((List<object?>)entry[key]!).Take(3).ToList();
        }

        set.WriteCaptions();
        Assert.Equal(PackedSet.Batches(set.Config, 1, 0, 0, 3), PackedSet.Batches(packs.Over(request.Folder), 2, 0, 0, 3));
        Assert.True(smallest < 3 * 5 * 3000); // 6 s of 20
    }

    static string Failure(TrainingData data)
    {
        using var prefetcher = data.CreatePrefetcher(0, 0);
        void ReadOn()
        {
            while (true) prefetcher.Return(prefetcher.Next(TestContext.Current.CancellationToken));
        }

        return Assert.Throws<UserError>(ReadOn).Message;
    }

    static void Flip(string file, int at)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[at] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    static int Run(string[] command, Action<Process>? meanwhile)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        meanwhile?.Invoke(process);
        process.WaitForExit();
        Assert.True(process.ExitCode is 0 or 137, output.GetAwaiter().GetResult() + error.GetAwaiter().GetResult());
        return process.ExitCode;
    }
}
