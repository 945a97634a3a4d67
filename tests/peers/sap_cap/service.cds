// What SAP's gateway has beside the entities: function imports, and etags.
using { cds_api_maintnotification as notification } from './API_MAINTNOTIFICATION';
using { cds_api_maintenanceorder as order } from './API_MAINTENANCEORDER';
using { cds_api_equipment as equipment } from './API_EQUIPMENT';
using { cds_api_functionallocation as location } from './API_FUNCTIONALLOCATION';

annotate notification with @path: '/odata/v4/sap/API_MAINTNOTIFICATION';
annotate order with @path: '/odata/v4/sap/API_MAINTENANCEORDER';
annotate equipment with @path: '/odata/v4/sap/API_EQUIPMENT';
annotate location with @path: '/odata/v4/sap/API_FUNCTIONALLOCATION';

annotate notification.MaintenanceNotification with { LastChangeDateTime @odata.etag };
annotate order.MaintenanceOrder with { LastChangeDateTime @odata.etag };

// Numbers and long text are SAP's to write.
annotate notification.MaintenanceNotification with {
  MaintNotificationLongText @readonly;
  NotifProcessingPhase      @readonly;
};
annotate notification.MaintenanceNotification with @Capabilities.DeleteRestrictions.Deletable: false;
annotate order.MaintenanceOrder with @Capabilities.DeleteRestrictions.Deletable: false;

extend service notification with {
  action CompleteMaintNotification(
    MaintenanceNotification : String(12),
    NotificationReferenceDate : Date,
    NotificationReferenceTime : Time
  ) returns notification.MaintenanceNotification;
  action SetMaintNotifToInProcess(MaintenanceNotification : String(12)) returns notification.MaintenanceNotification;
}

extend service order with {
  type Done { IsInvalid : Boolean };
  action SetMaintOrderToDoNotExecute(MaintenanceOrder : String(12)) returns Done;
}
