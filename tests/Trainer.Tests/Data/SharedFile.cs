using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>A shared file or folder; skips the test when it is not there.</summary>
static class SharedFile
{
    public static string Path(string relative)
    {
        var path = SharedData.Find(relative);
        if (path is null) Assert.Skip(SharedData.SkipReason);
        return path;
    }
}
