using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests;

public sealed class TrainerFolderTests
{
    [Fact]
    public void One_daemon_a_folder_and_the_one_that_holds_it_is_named()
    {
        using var temp = new TempFolder();
        var folder = new TrainerFolder(temp.Path);
        using (folder.Take())
        {
            var refused = Assert.Throws<UserError>(() => folder.Take());
            Assert.Equal(ExitCodes.Refused, refused.ExitCode);
            Assert.Contains($"(process {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)})", refused.Message, StringComparison.Ordinal);
        }

        folder.Take().Dispose();
    }

    [Fact]
    public void A_file_in_the_place_of_the_folder_is_a_users_mistake()
    {
        using var temp = new TempFolder();
        File.WriteAllText(temp.File("file"), "");
        Assert.Equal(ExitCodes.Fails, Assert.Throws<UserError>(() => new TrainerFolder(temp.File("file")).Take()).ExitCode);
        Directory.CreateDirectory(temp.File("folder/trainer/lock"));
        Assert.Equal(ExitCodes.Fails, Assert.Throws<UserError>(() => new TrainerFolder(temp.File("folder")).Take()).ExitCode);
    }
}
