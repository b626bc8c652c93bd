//! A collector that takes nothing in and answers with one status.

use std::error::Error;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};

#[derive(Clone, Copy)]
struct Answer {
    status: i32,
    after: Duration,
}

impl Answer {
    async fn give<T: Default>(self) -> Result<Response<T>, Status> {
        tokio::time::sleep(self.after).await;
        match Code::from_i32(self.status) {
            Code::Ok => Ok(Response::new(T::default())),
            code => Err(Status::new(code, "as told")),
        }
    }
}

#[tonic::async_trait]
impl TraceService for Answer {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.give().await
    }
}

#[tonic::async_trait]
impl MetricsService for Answer {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.give().await
    }
}

/// Prints the port and serves until it is killed.
pub fn serve(status: i32, milliseconds: u64) -> Result<(), Box<dyn Error>> {
    let answer = Answer { status, after: Duration::from_millis(milliseconds) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(answer))
            .add_service(MetricsServiceServer::new(answer))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await?;
        Ok(())
    })
}
