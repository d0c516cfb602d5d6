using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data.Sample;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>What happens to folders: foreign ones, interrupted ones, sets that are there already.</summary>
public sealed class SampleFolderTests : IDisposable
{
    readonly TempFolder folder = new();
    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;

    string Target => folder.File("sample");

    [Fact]
    public void A_folder_with_anything_else_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "thesis.tex"), "mine");
        var error = Assert.Throws<UserError>(() => SampleDataset.Make(Target, 1, shuffled: false, cancellation));
        Assert.Contains("thesis.tex", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Refused, error.ExitCode);
        Assert.Equal([Path.Combine(Target, "thesis.tex")], Directory.EnumerateFileSystemEntries(Target));
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_file_in_the_place_is_refused()
    {
        File.WriteAllText(Target, "mine");
        Assert.Throws<UserError>(() => SampleDataset.Make(Target, 1, shuffled: false, cancellation));
        Assert.Equal("mine", File.ReadAllText(Target));
    }

    [Fact]
    public void A_set_that_is_there_is_not_made_again_unless_it_is_another_or_torn()
    {
        Directory.CreateDirectory(Target); // an empty folder is as good as none
        Assert.True(SampleDataset.Make(Target, 1, shuffled: false, cancellation).IsNew);
        var written = Directory.GetLastWriteTimeUtc(Target);
        Assert.False(SampleDataset.Make(Target + "/", 1, shuffled: false, cancellation).IsNew);
        Assert.Equal(written, Directory.GetLastWriteTimeUtc(Target));

        File.Delete(Path.Combine(Target, "heldout.pkl"));
        Assert.True(SampleDataset.Make(Target, 1, shuffled: false, cancellation).IsNew);
        var (control, isNew) = SampleDataset.Make(Target, 1, shuffled: true, cancellation);
        Assert.True(isNew && control.ShuffledCaptions);
        Assert.Equal(control, SampleManifest.Find(Target));

        File.WriteAllText(Path.Combine(Target, "notes.txt"), "mine"); // no longer ours alone
        Assert.Contains("notes.txt", Assert.Throws<UserError>(() => SampleDataset.Make(Target, 2, shuffled: false, cancellation)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stopping_half_way_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        using var watch = new FileSystemWatcher(folder.Path) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        watch.Created += (_, created) =>
        {
            if (created.Name!.EndsWith("smp0020_spec.npz", StringComparison.Ordinal)) stop.Cancel();
        };
        using var backstop = new Timer(_ => stop.Cancel(), null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan); // notifications may be lost
        Assert.Throws<OperationCanceledException>(() => SampleDataset.Make(Target, 1, shuffled: false, stop.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_a_killed_process_left_is_cleared_and_what_a_living_one_writes_is_not()
    {
        var part = Directory.CreateDirectory(Target + ".part").FullName;
        File.WriteAllText(Path.Combine(part, "heldout.pkl"), "half");
        using (new FileStream(Path.Combine(part, "being-made.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            var error = Assert.Throws<UserError>(() => SampleDataset.Make(Target, 1, shuffled: false, cancellation));
            Assert.Contains("another process", error.Message, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(part, "heldout.pkl")));
        }

        Assert.True(SampleDataset.Make(Target, 1, shuffled: false, cancellation).IsNew);
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    public void Dispose() => folder.Dispose();
}
