using System.Text.Json;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Verbs;

/// <summary>`eval` as people run it.</summary>
public sealed class EvalVerbTests
{
    static string Checkpoint => SharedFile.Path("golden/checkpoint_legacy.pth");

    static string Set => SharedFile.Path("golden/youcook_like.pkl");

    [Fact]
    public async Task Json_has_the_pinned_keys_and_nothing_else()
    {
        var (code, output, errors) = await TrainerProcess.Run("eval", "--checkpoint", Checkpoint, "--data", Set, "--json");
        Assert.Equal("note: word vectors of " + SharedFile.Path("golden/word2vec.bin"), errors.Trim());
        Assert.Equal(ExitCodes.Done, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(["file", "n", "rows"], json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("youcook_like.pkl", 6), (json.RootElement.GetProperty("file").GetString(), json.RootElement.GetProperty("n").GetInt32()));
        foreach (var row in json.RootElement.GetProperty("rows").EnumerateArray())
        {
            Assert.Equal(["direction", "r1", "r5", "r10", "medr", "meanr", "ci95"], row.EnumerateObject().Select(member => member.Name));
            Assert.InRange(row.GetProperty("r5").GetDouble(), 0, 1);
            Assert.Equal(["r1", "r5", "r10"], row.GetProperty("ci95").EnumerateObject().Select(member => member.Name));
        }
    }

    [Fact]
    public void A_rank_that_nobody_has_is_null()
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            JsonReport.WriteTable(json, new EvaluationFinished
            {
                Step = 0, Epoch = 0, File = "a.pkl", N = 3, DurationSeconds = 0,
                Rows = [new RetrievalRow("t2v", 0, 0, 0, double.NaN, double.NaN, new Dictionary<string, double[]>())],
            });
            json.WriteEndObject();
        }

        Assert.Contains("\"medr\":null,\"meanr\":null", System.Text.Encoding.UTF8.GetString(memory.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_paper_says_what_differs_and_fails()
    {
        var (code, output, _) = await TrainerProcess.Run("eval", "--checkpoint", Checkpoint, "--data", Set, "--verify-paper");
        Assert.Equal(ExitCodes.Fails, code);
        Assert.Contains("NOT reproduced", output, StringComparison.Ordinal);
        Assert.Contains("differs clips: 6 clips; expected 3350", output, StringComparison.Ordinal);
        Assert.Contains("differs weights: embd_dim 64", output, StringComparison.Ordinal);
        Assert.Contains("18.1", output, StringComparison.Ordinal);
        Assert.Contains("1.70", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_missing_is_said_in_one_line()
    {
        var (code, _, errors) = await TrainerProcess.Run("eval", "--checkpoint", "/nowhere/e30.pth", "--data", Set);
        Assert.Equal((ExitCodes.Usage, "--checkpoint: nothing at /nowhere/e30.pth; expected a checkpoint. Correct the path"), (code, errors.Trim()));
        using var temp = new TestKit.TempFolder();
        File.Copy(Set, temp.File("alone.pkl"));
        File.Copy(Checkpoint, temp.File("e1.pth"));
        (code, _, errors) = await TrainerProcess.Run("eval", "--checkpoint", temp.File("e1.pth"), "--data", temp.File("alone.pkl"));
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("--word2vec: not given", errors, StringComparison.Ordinal);
    }
}
