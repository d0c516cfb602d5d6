using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Crashes;

namespace Mcn.Web.Trainer.Tests.Crashes;

public sealed class CrashArchiveTests
{
    [Fact]
    public async Task A_collector_that_fails_is_a_line_in_the_manifest_and_the_rest_is_there()
    {
        using var temp = new TempFolder();
        var crash = Case(temp);
        var path = await CrashArchive.WriteAsync(crash,
        [
            new CrashPart("a.txt", 100, () => "fine"u8.ToArray()),
            new CrashPart("b.txt", 100, () => throw new IOException("gone")),
            new CrashPart("c.txt", 100, () => null),
        ], TimeProvider.System);

        var manifest = Manifest(path);
        Assert.Equal(["a.txt"], manifest.Files.Select(file => file.Name));
        Assert.Equal(("b.txt", "IOException: gone"), (manifest.Missing.Single().Name, manifest.Missing.Single().Reason));
        Assert.Equal([path], Directory.GetFiles(crash.Scene.Folder.Crashes)); // no temporary file stays
    }

    [Fact]
    public async Task A_report_beyond_its_bound_shrinks_the_least_worthy_parts()
    {
        using var temp = new TempFolder();
        var path = await CrashArchive.WriteAsync(Case(temp),
        [
            new CrashPart("first.txt", 1000, () => new byte[600]),
            new CrashPart("second.txt", 1000, () => Encoding.UTF8.GetBytes(new string('x', 900) + "the end")),
            new CrashPart("third.txt", 1000, () => new byte[10]),
        ], TimeProvider.System, mostBytes: 1000);

        var manifest = Manifest(path);
        Assert.Equal([(600L, false), (400L, true)], manifest.Files.Select(file => (file.Bytes, file.Truncated)));
        Assert.Contains("left out", manifest.Missing.Single().Reason, StringComparison.Ordinal);
        using var zip = ZipFile.OpenRead(path);
        using var reader = new StreamReader(zip.Entries.Single(entry => entry.Name == "second.txt").Open());
        var text = await reader.ReadToEndAsync();
        Assert.StartsWith("[cut: the last part of 907 bytes]", text, StringComparison.Ordinal);
        Assert.EndsWith("the end", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_refuses_leaves_no_half_report()
    {
        using var temp = new TempFolder();
        var crash = Case(temp);
        Directory.CreateDirectory(crash.Scene.ReportPath); // a folder in the way: the rename fails
        await Assert.ThrowsAnyAsync<Exception>(() => CrashArchive.WriteAsync(crash, [new CrashPart("a", 9, () => [1])], TimeProvider.System));
        Assert.Empty(Directory.GetFiles(crash.Scene.Folder.Crashes));
    }

    [Theory]
    [InlineData("api_key=abc123def", "abc123def")]
    [InlineData("Authorization: Bearer eyJhbGciOi", "eyJhbGciOi")]
    [InlineData("HF_TOKEN='hf_1234'", "hf_1234")]
    [InlineData("https://sato:geheim@host/x", "geheim")]
    [InlineData("/home/tanaka/data/x.npz", "tanaka")]
    public void Secrets_and_people_do_not_leave(string text, string secret) => Assert.DoesNotContain(secret, Scrubber.Scrub(text), StringComparison.Ordinal);

    [Fact]
    public void Only_variables_that_are_allowed_leave()
    {
        var kept = Scrubber.Variables(new Dictionary<string, string> { ["UCX_VFS_ENABLE"] = "n", ["AWS_SECRET_ACCESS_KEY"] = "x", ["USER"] = "sato", ["MCN_SEQ_API_KEY"] = "y" });
        Assert.Equal(["UCX_VFS_ENABLE"], kept.Keys);
    }

    [Fact]
    public async Task A_report_is_sent_until_the_dashboard_says_that_it_has_it()
    {
        using var temp = new TempFolder();
        var crash = Case(temp);
        var path = await CrashArchive.WriteAsync(crash, [new CrashPart("a", 9, () => [1])], TimeProvider.System);
        var answers = new Queue<HttpStatusCode>([HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK]);
        using var http = new HttpClient(new Answering(answers)) { BaseAddress = new Uri("http://127.0.0.1") };
        var uploader = new CrashUploader(temp.Path, http, Serilog.Core.Logger.None, TimeProvider.System);

        await Assert.ThrowsAsync<HttpRequestException>(() => uploader.SendAsync(path, CancellationToken.None));
        Assert.Equal([path], uploader.Unsent());
        Assert.True(CrashScene.HasReport(crash.Scene.Folder, 1));
        await uploader.SendAsync(path, CancellationToken.None);
        Assert.Empty(uploader.Unsent());
        Assert.True(CrashScene.HasReport(crash.Scene.Folder, 1));
    }

    static CrashCase Case(TempFolder temp)
    {
        var folder = new RunFolder(Path.Combine(RunFolder.RunsOf(temp.Path), "run-1"));
        return CrashInvestigator.Investigate(new CrashScene { Folder = folder, WorkerIncarnation = 1, Time = DateTimeOffset.UnixEpoch, Signal = 9 }, _ => new CodedText("restart", "next"));
    }

    static CrashManifest Manifest(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        using var stream = zip.Entries.Single(entry => entry.Name == "manifest.json").Open();
        return JsonSerializer.Deserialize(stream, McnJson.Default.CrashManifest)!;
    }

    sealed class Answering(Queue<HttpStatusCode> answers) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(answers.Dequeue()));
    }
}
