using System.Net.Sockets;
using Mcn.Web.Dashboard;
using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Shared;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(DashboardOptions.Usage);
    return ExitCodes.Done;
}

if (DashboardOptions.Parse(args, out var mistakes) is not { } options)
{
    foreach (var mistake in mistakes) Console.Error.WriteLine(mistake);
    Console.Error.WriteLine("Try --help.");
    return ExitCodes.Usage;
}

try
{
    await using var dashboard = DashboardHost.Build(options);
    await DashboardHost.StartAsync(dashboard, options);
    await dashboard.WaitForShutdownAsync();
    return ExitCodes.Done;
}
catch (UserError error)
{
    Console.Error.WriteLine(error.Message);
    return error.ExitCode;
}
catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Console.Error.WriteLine($"--listen: {options.Listen} is in use; expected a free port. Give another one");
    return ExitCodes.Fails;
}
catch (SocketException error)
{
    Console.Error.WriteLine($"--listen: {options.Listen} cannot be used ({error.Message}); expected an address of this machine and a port that this user may open. Give another one");
    return ExitCodes.Fails;
}
finally
{
    await Serilog.Log.CloseAndFlushAsync();
}
