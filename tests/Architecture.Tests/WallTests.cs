using System.Xml.Linq;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer;
using NetArchTest.Rules;

namespace Mcn.Web.Architecture.Tests;

/// <summary>The walls of the house: who may know whom (design: "Walls and habits").</summary>
public sealed class WallTests
{
    const string Trainer = "Mcn.Web.Trainer.";

    static readonly System.Reflection.Assembly TrainerAssembly = typeof(ExitCodes).Assembly;

    [Fact]
    public void Shared_references_no_package_and_no_project()
    {
        var project = XDocument.Load(Repository.File("src/Shared/Shared.csproj"));
        Assert.Empty(project.Descendants("PackageReference"));
        Assert.Empty(project.Descendants("ProjectReference"));
        Assert.All(typeof(UserError).Assembly.GetReferencedAssemblies(), name => Assert.StartsWith("System.", name.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Trainer_and_dashboard_do_not_know_each_other()
    {
        foreach (var (project, other) in new[] { ("src/Trainer/Trainer.csproj", "Dashboard"), ("src/Dashboard/Dashboard.csproj", "Trainer") })
        {
            var references = XDocument.Load(Repository.File(project)).Descendants("ProjectReference").Select(r => r.Attribute("Include")!.Value);
            Assert.Equal(["../Shared/Shared.csproj"], references);
            Assert.DoesNotContain(references, reference => reference.Contains(other, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void End_to_end_tests_start_programs_and_reference_none()
    {
        var project = XDocument.Load(Repository.File("tests/EndToEnd.Tests/EndToEnd.Tests.csproj"));
        Assert.DoesNotContain(project.Descendants("ProjectReference"), r => r.Attribute("Include")!.Value.Contains("src/", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_the_rooms_that_compute_mention_TorchSharp()
    {
        string[] allowed = ["Model", "Objective", "Training", "Evaluation", "Worker", "Planning", "Parity", "Verbs"];
        var offenders = Types.InAssembly(TrainerAssembly).That().HaveDependencyOn("TorchSharp").GetTypes()
            .Where(type => type.Namespace is { } space && space.StartsWith(Trainer, StringComparison.Ordinal))
            .Where(type => !allowed.Contains(space(type)))
            .Select(type => type.FullName);
        Assert.Empty(offenders);

        static string space(Type type) => type.Namespace![Trainer.Length..].Split('.')[0];
    }

    [Theory]
    [InlineData("Model", "Data,Training,Recording,Evaluation,Import,Verbs,Supervisor,Worker,Crashes,Diagnosis,Gpu,Host")]
    [InlineData("Objective", "Data,Training,Recording,Evaluation,Import,Verbs,Supervisor,Worker,Crashes,Diagnosis,Gpu,Host")]
    [InlineData("Data", "Training,Recording,Evaluation,Verbs,Supervisor,Worker,Model,Objective")]
    [InlineData("Sound", "Data,Training,Recording,Evaluation,Verbs,Supervisor,Worker,Model,Objective,Parity")]
    [InlineData("Import", "Data,Training,Recording,Evaluation,Verbs,Supervisor,Worker,Model,Objective")]
    [InlineData("Evaluation", "Training,Recording,Verbs,Supervisor,Worker")]
    [InlineData("Planning", "Training,Recording,Verbs,Supervisor,Worker,Crashes,Diagnosis,Parity")]
    [InlineData("Parity", "Recording,Verbs,Supervisor,Worker,Crashes,Diagnosis,Gpu,Host")]
    [InlineData("Training", "Verbs,Supervisor,Worker,Crashes,Diagnosis,Gpu,Host")]
    [InlineData("Recording", "Training,Verbs,Supervisor,Worker,Model,Objective,Evaluation,Data,Import")]
    [InlineData("Supervisor", "Training,Worker,Model,Objective,Evaluation,Data,Import,Verbs")]
    [InlineData("Worker", "Supervisor,Verbs")]
    [InlineData("Crashes", "Training,Worker,Supervisor,Model,Objective,Evaluation,Data,Import,Verbs")]
    [InlineData("Diagnosis", "Training,Worker,Supervisor,Model,Objective,Evaluation,Data,Import,Verbs")]
    [InlineData("Gpu", "Training,Worker,Supervisor,Model,Objective,Evaluation,Data,Import,Verbs")]
    [InlineData("Host", "Training,Worker,Supervisor,Model,Objective,Evaluation,Data,Import,Verbs")]
    public void A_room_does_not_know_the_rooms_above_it(string room, string forbidden)
    {
        string[] others = [.. forbidden.Split(',').Select(other => Trainer + other)];
        var result = Types.InAssembly(TrainerAssembly).That().ResideInNamespaceStartingWith(Trainer + room).ShouldNot().HaveDependencyOnAny(others).GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Theory]
    [InlineData("Training")]
    [InlineData("Model")]
    [InlineData("Objective")]
    [InlineData("Data")]
    public void Nothing_is_async_where_dispose_scopes_live(string room)
    {
        // Dispose scopes are per thread: an await inside one may go on on another thread and free the wrong tensors.
        var offenders = Directory.EnumerateFiles(Repository.File($"src/Trainer/{room}"), "*.cs", SearchOption.AllDirectories)
            .Where(file => System.Text.RegularExpressions.Regex.IsMatch(File.ReadAllText(file), @"\b(async|await)\b(?=[^\n]*[({;])"));
        Assert.Empty(offenders);
    }

    [Fact]
    public void Types_are_sealed_unless_they_are_a_closed_family()
    {
        var offenders = TrainerAssembly.GetTypes().Concat(typeof(UserError).Assembly.GetTypes())
            .Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false } && !type.Name.Contains('<', StringComparison.Ordinal))
            .Where(type => type.Namespace?.StartsWith("Mcn.Web", StringComparison.Ordinal) == true && type.Name != "Program")
            .Select(type => type.FullName);
        Assert.Empty(offenders);
    }

    [Fact]
    public void No_package_version_stands_outside_the_central_file()
    {
        var offenders = Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(file => XDocument.Load(file).Descendants("PackageReference").Any(reference => reference.Attribute("Version") is not null));
        Assert.Empty(offenders);
    }

    [Fact]
    public void No_file_of_src_has_grown_past_three_hundred_and_twenty_lines()
    {
        var offenders = Directory.EnumerateFiles(Repository.File("src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && File.ReadLines(file).Count() > 320);
        Assert.Empty(offenders);
    }
}
