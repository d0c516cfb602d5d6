using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>When `train` makes the sample set by itself.</summary>
public sealed class SampleSetVerbTests
{
    [Theory]
    [InlineData("/clone/.mcn/sample/train/videos.csv", "/elsewhere", "/clone/.mcn/sample")]
    [InlineData("/data/sample/train/videos.csv", "/data", "/data/sample")]
    [InlineData("/data/sample/train/videos.csv", "/elsewhere", null)] // somebody's own set, on a disk that is not mounted
    [InlineData("/clone/.mcn/sample/train/list.csv", "/elsewhere", null)]
    [InlineData("/clone/.mcn/sample-2/train/videos.csv", "/elsewhere", null)]
    [InlineData("/videos.csv", "/", null)]
    public void Only_at_its_usual_place(string trainCsv, string dataFolder, string? expected) =>
        Assert.Equal(expected, SampleSet.UsualFolder(trainCsv, dataFolder));
}
